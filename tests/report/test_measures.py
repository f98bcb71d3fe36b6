from dataclasses import replace

import pandas as pd
import pytest

from study.report.measures import by_width
from tests.report.measured_run import measured_run


@pytest.mark.parametrize(("head_width", "widths"), [(None, {16, 256}), ("null", {16, 256}), ("24", {24})])
def test_the_width_of_a_head_is_its_own_where_it_has_one(make_run, head_width, widths):
    run = measured_run(make_run)
    asked = [] if head_width is None else [(model, "head_width", head_width) for model in run.settings["model"].unique()]
    told = pd.DataFrame(asked, columns=["model", "setting", "value"])
    models = by_width(replace(run, settings=pd.concat([run.settings, told], ignore_index=True)))
    assert set(models["x"]) == widths
    assert set(models["kind"]) == {"divided by √d", "not divided"}
    assert len(models) == 4
