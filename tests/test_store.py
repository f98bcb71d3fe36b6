import json
import multiprocessing
import time
from dataclasses import dataclass, field

import pytest

from study.store import Store, digest_of, settings_of


@dataclass(kw_only=True)
class Settings:
    size: int
    threads: int = field(metadata={"resource": True})


def write_hello(folder):
    (folder / "hello.txt").write_text("hello")


def test_settings_leave_resources_out_and_name_the_class():
    plain = settings_of({"a": Settings(size=3, threads=1)})
    assert plain == settings_of({"a": Settings(size=3, threads=8)})
    assert plain != settings_of({"a": Settings(size=4, threads=1)})
    assert plain["a"]["class"].endswith("test_store.Settings")


def test_digest_ignores_the_order_of_keys():
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1}) != digest_of({"a": 1, "b": 3})


def test_an_artefact_is_made_once_and_renamed_by_its_inputs(tmp_path):
    store, calls = Store(tmp_path), []

    def make(folder):
        calls.append(folder)
        write_hello(folder)

    first = store.artefact("stage", {"k": 1}, {"text": "d1"}, make)
    again = store.artefact("stage", {"k": 1}, {"text": "d1"}, make)
    other = store.artefact("stage", {"k": 1}, {"text": "d2"}, make)
    assert (first.reused, again.reused, other.reused) == (False, True, False)
    assert len(calls) == 2
    assert first.folder == again.folder != other.folder
    assert first.digest == other.digest, "the same content has the same digest, whatever it was made from"
    assert json.loads((first.folder / "manifest.json").read_text())["inputs"] == {"text": "d1"}


@pytest.mark.parametrize("damage", ["truncate", "alter", "delete", "manifest"])
def test_a_damaged_artefact_is_reported_and_made_again(tmp_path, capsys, damage):
    store = Store(tmp_path)
    made = store.artefact("stage", {}, {}, write_hello)
    file = made.folder / "hello.txt"
    if damage == "truncate":
        file.write_text("hel")
    elif damage == "alter":
        file.write_text("hellO")
    elif damage == "delete":
        file.unlink()
    else:
        (made.folder / "manifest.json").write_text("{")
    again = store.artefact("stage", {}, {}, write_hello)
    assert not again.reused
    assert file.read_text() == "hello"
    assert "damaged" in capsys.readouterr().err


def test_an_interrupted_attempt_is_never_read_and_can_be_resumed(tmp_path):
    store = Store(tmp_path)

    def interrupted(folder):
        (folder / "checkpoint").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.artefact("stage", {}, {}, interrupted)
    seen = []

    def finish(folder):
        seen.append((folder / "checkpoint").exists())
        write_hello(folder)

    assert not store.artefact("stage", {}, {}, finish, resume=True).reused
    assert seen == [True]
    with pytest.raises(KeyboardInterrupt):
        store.artefact("other", {}, {}, interrupted)
    store.artefact("other", {}, {}, finish)
    assert seen == [True, False]


def _make_slowly(root, queue):
    def make(folder):
        time.sleep(0.5)
        write_hello(folder)

    queue.put(Store(root).artefact("stage", {}, {}, make).reused)


def test_two_processes_make_one_artefact_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=_make_slowly, args=(tmp_path, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    reused = sorted(queue.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert reused == [False, True]


def test_what_a_killed_process_left_half_written_and_stray_files_do_no_harm(tmp_path):
    store = Store(tmp_path)

    def make(folder):
        write_hello(folder)
        (folder / "manifest.json.partial").write_text("{")

    made = store.artefact("stage", {}, {}, make, resume=True)
    assert list(made.manifest["files"]) == ["hello.txt"]
    (made.folder / "notes.txt").write_text("a user's own")
    assert store.artefact("stage", {}, {}, make).reused


def test_what_was_kept_beside_the_content_is_verified_but_names_nothing(tmp_path, capsys):
    def write(folder, moment):
        write_hello(folder)
        (folder / "moments" / "10").mkdir(parents=True)
        (folder / "moments" / "10" / "hello.txt").write_text(moment)

    store = Store(tmp_path)
    first, other = (store.artefact("stage", {"k": k}, {}, lambda folder, k=k: write(folder, k)) for k in ("hello", "hallo"))
    plain = store.artefact("stage", {}, {}, write_hello)
    assert first.digest == other.digest == plain.digest
    parts = [one.part("moments/10") for one in (first, other)]
    assert parts[0].digest == plain.digest != parts[1].digest
    assert (parts[1].folder / "hello.txt").read_text() == "hallo"
    (parts[1].folder / "hello.txt").write_text("altered")
    assert not store.artefact("stage", {"k": "hallo"}, {}, lambda folder: write(folder, "hallo")).reused
    assert "is damaged" in capsys.readouterr().err
