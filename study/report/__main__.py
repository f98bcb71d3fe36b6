"""Write reports again: ``python -m study.report FOLDER...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from study.contracts import StudyError
from study.report.page import compare, write
from study.report.sweep import find_points


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite one run's report, or compare several runs; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m study.report",
        description="Write the report of one run again, or compare several runs or the points of a multirun.",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a run's folder, or a multirun's that holds them")
    parser.add_argument("--output", type=Path, help="where a comparison is written (default: comparison/ beside the first point)")
    options = parser.parse_args(arguments)
    try:
        if len(options.folders) == 1 and (options.folders[0] / "run.json").is_file():
            print(write(options.folders[0]))
        else:
            points = find_points(options.folders)
            print(compare(points, options.output or points[0].parent / "comparison"))
    except StudyError as error:
        print(f"study: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
