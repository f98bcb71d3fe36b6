import functools
import hashlib
import http.server
import threading

import pytest

from study.contracts import StudyError
from study.evaluation.data.fetching import located


@pytest.fixture
def address(tmp_path):
    """Serve a folder with one file on this machine."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "pairs.txt").write_text("sun\tmoon\t1\n")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "served"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/pairs.txt"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_missing_file_is_fetched_once_to_where_it_belongs(address, data):
    digest = "sha256:" + hashlib.sha256(b"sun\tmoon\t1\n").hexdigest()
    path = located("sets/pairs.txt", "here", address=address, digest=digest)
    assert path == data / "sets" / "pairs.txt"
    path.write_text("changed")
    assert located("sets/pairs.txt", "here", address=address, digest=digest).read_text() == "changed"


def test_another_content_or_no_network_says_what_to_do(address, data):
    with pytest.raises(StudyError, match=r"not fetched from .*curl -L --create-dirs -o '.*sets/pairs.txt'"):
        located("sets/pairs.txt", "here", address=address, digest="sha256:" + "0" * 64)
    assert not (data / "sets" / "pairs.txt").exists()
    with pytest.raises(StudyError, match="set STUDY_DATA to a folder that has it"):
        located("gone.txt", "here", address=address.replace("pairs", "gone"), digest=None)


def test_a_file_of_an_archive_is_not_fetched(data):
    with pytest.raises(StudyError, match=r"sets/pairs.txt: no such file.*It comes from https://somewhere/set.zip"):
        located("sets/pairs.txt", "https://somewhere/set.zip", address=None, digest=None)
