import io
import sys

from streams.cli.progress import phases, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_how_far_it_is_and_a_pipe_nothing(monkeypatch):
    for stream, seen in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        with progress("receipts") as told:
            told(3, 7)
            told(7, 7)
        assert ("receipts" in stream.getvalue()) is seen


def test_of_a_replay_it_sees_the_phase(monkeypatch):
    for stream, seen in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        with phases() as told:
            told("reading", 3, None)
            told("deciding", 1, 2)
        assert ("deciding" in stream.getvalue()) is seen
