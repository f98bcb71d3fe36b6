import io
import sys
import time

from study import progress
from study.contracts import Moment
from study.progress import bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_how_far_it_is_and_the_loss(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with bar("training cbow") as observe:
        observe(Moment(50, 200, 1.0, loss=3.21))
        time.sleep(0.15)  # a bar is drawn ten times a second at most
        observe(Moment(200, 200, 4.0, loss=2.5))
    assert "training cbow" in terminal.getvalue()
    assert "200/200" in terminal.getvalue()
    assert "loss=2.50" in terminal.getvalue()


def test_the_last_loss_stays_while_none_is_told(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with bar("training cbow") as observe:
        observe(Moment(50, 200, 1.0, loss=3.21))
        time.sleep(0.15)
        observe(Moment(100, 200, 2.0, validation_loss=4.5))
        time.sleep(0.15)
        observe(Moment(200, 200, 4.0))
    (last,) = [drawn for drawn in terminal.getvalue().split("\r") if "200/200" in drawn]
    assert "loss=3.21" in last
    assert "validation=4.50" in last


def test_nobody_watches_and_nothing_is_written(capsys):
    with bar("training") as observe:
        observe(Moment(1, 2, 0.1))
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with bar("training transformer") as observe:
        observe(Moment(50, 200, 10.0, loss=3.21))
        observe(Moment(100, 200, 20.0, validation_loss=4.5))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "training transformer: 25%, 50.0 of 200 words, 5.00 words/s, 00:10 so far, 00:30 left, loss 3.21"
    assert second.endswith("00:20 left, loss 3.21, validation 4.50")


def test_lines_in_a_log_are_a_minute_apart(capsys, monkeypatch):
    clock = iter([0.0, 30.0, 61.0, 90.0, 122.0])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    with bar("training") as observe:
        for words in (1, 2, 3, 4):
            observe(Moment(words, 4, float(words)))
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == ["training: 50%", "training: 100%"]
