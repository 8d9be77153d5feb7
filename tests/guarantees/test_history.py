"""The proof of history, at a size for every day: `make prove-history` is the same at twenty million interactions."""

import pytest

from tests.guarantees import history
from tests.guarantees.history import made, prove


def test_a_history_is_the_same_killed_or_not_and_the_same_to_the_worker(kafka, tmp_path):
    figures = prove(tmp_path, 90_000, 7, kafka=kafka, tell=print)
    assert figures["files_that_differ_after_kill_9"] == []
    assert figures["sessions_that_differ"] == 0
    assert figures["sessions_of_it"] > 3_000
    assert figures["peak_bytes"] < 500 * 2**20


def test_a_replay_that_gives_something_else_is_found_out(tmp_path, monkeypatch):
    again, turn = history.replayed, []

    def other(made_of, out, *rest, **how):
        took = again(made_of, out, *rest, **how)
        turn.append(out)
        if len(turn) == 3:  # the one that goes on
            out.write_bytes(out.read_bytes().replace(b"Chatbot_sent", b"Chatbot_seen", 1))
        return took

    monkeypatch.setattr(history, "replayed", other)
    assert prove(tmp_path, 60_000, 8, kafka=None, tell=print)["files_that_differ_after_kill_9"] == ["jsonl"]


@pytest.mark.parametrize("interactions", [1, 1_000])
def test_a_history_has_as_many_interactions_as_it_says(tmp_path, interactions):
    from streams.replay import inputs_of
    from streams.replay.inputs import lines

    there = made(tmp_path / "history", interactions, 3)
    assert sum(1 for _ in lines(inputs_of([str(there.directory)]))) == pytest.approx(
        interactions, abs=interactions / 50
    )
