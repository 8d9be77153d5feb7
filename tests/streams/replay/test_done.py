"""What is done is read as it was written."""

from collections import Counter

from streams.replay import Tally
from streams.replay.done import Done


def test_what_was_counted_can_be_counted_on(tmp_path):
    tally = Tally(records=3, translated=1, events=Counter(a=2), unknown=Counter(b=1), dead_letters=Counter(c=1))
    Done(tally, "0.lines", None).write(tmp_path / "0.done", durable=True)
    again = Done.read(tmp_path / "0.done")
    assert again == Done(tally, "0.lines", None)
    again.tally.add(tally)
    assert again.tally.events == Counter(a=4)
    assert again.tally.translated == 2
