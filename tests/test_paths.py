from pathlib import Path

from study import paths


def test_a_clone_finds_configuration_and_tasks_beside_the_package():
    assert (paths.configuration() / "config.yaml").is_file()
    assert (paths.tasks() / "polysemy" / "bank.tsv").is_file()


def test_a_wheel_finds_them_inside_the_package(tmp_path, monkeypatch):
    (tmp_path / "study" / "conf").mkdir(parents=True)
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "study")
    assert paths.configuration() == tmp_path / "study" / "conf"
    assert paths.tasks() == tmp_path / "tasks"


def test_the_environment_names_the_folders_and_the_users_cache_is_the_default(monkeypatch):
    monkeypatch.setenv("STUDY_DATA", "some/data")
    monkeypatch.delenv("STUDY_ARTEFACTS", raising=False)
    assert paths.data() == Path("some/data").absolute()
    assert "embedding-study" in paths.artefacts().parts
