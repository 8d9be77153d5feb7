"""What of a partition is written again, and when. Reading what was written in between: test_app.py, on a real Kafka."""

import pytest

from streams.runs import Record, pack
from streams.runs.strays import Between, Found, Strays, compare


def stored(last_offset):
    return pack(last_offset, 0, 0, b"state")


ENTRIES = {b"a": stored(10), b"b": stored(20)}


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        pytest.param([Record(b"c", stored(20))], [b"a", b"b"], id="what this run has seen is durable"),
        pytest.param([Record(b"c", stored(19))], [b"a"], id="what a later run has changed waits for it"),
        pytest.param([Record(b"a", stored(10)), Record(b"c", stored(30))], [b"b"], id="its own change is enough"),
        pytest.param([Record(b"c", None)], [], id="removals say nothing of what was seen"),
        pytest.param([], [], id="no changes"),
    ],
)
def test_a_key_is_written_again_with_the_first_changes_that_have_seen_as_much(changes, again):
    strays = Strays()
    strays.add(b"a")
    strays.add(b"b")
    assert strays.to_write_again(ENTRIES, changes) == [Record(key, ENTRIES[key]) for key in again]
    written = len(strays.to_write_again(ENTRIES, [Record(b"z", stored(99))]))
    own = sum(change.key in ENTRIES for change in changes)
    assert written + len(again) + own == 2, "each once"


def test_a_key_that_was_removed_since_is_not_written_again():
    strays = Strays()
    strays.add(b"gone")
    assert strays.to_write_again(ENTRIES, [Record(b"z", stored(99))]) == []
    assert len(strays) == 0


OURS = {b"b": stored(7)}  # and a run under way has gone on from there
OWN = (b"b", stored(7))


@pytest.mark.parametrize(
    ("records", "found"),
    [
        pytest.param([(b"a", stored(9)), OWN], Found([b"a"], {}, overtaken=False), id="he has seen less"),
        pytest.param([(b"a", None), OWN], Found([b"a"], {}, overtaken=False), id="he has removed it"),
        pytest.param([(b"a", stored(10)), OWN], Found([], {}, overtaken=False), id="he has seen the same"),
        pytest.param([(b"a", stored(11)), OWN], Found([], {}, overtaken=True), id="he has seen more: it is his"),
        pytest.param([(b"b", stored(21)), OWN], Found([], {}, overtaken=True), id="he has seen more than our own"),
        pytest.param([(b"b", stored(5)), OWN], Found([], {}, overtaken=False), id="he has seen less than our own"),
        pytest.param([(b"b", None), OWN], Found([], {}, overtaken=False), id="he has removed it, and we made it again"),
        pytest.param([OWN, (b"b", stored(5))], Found([b"b"], {}, overtaken=False), id="he was later than our own"),
        pytest.param([(b"c", stored(5)), OWN], Found([], {b"c": stored(5)}, overtaken=False), id="he was ahead of us"),
        pytest.param(
            [(b"c", stored(5)), (b"c", stored(3)), OWN],
            Found([b"c"], {b"c": stored(5)}, overtaken=False),
            id="two of them: the one ahead of us, and one behind him",
        ),
        pytest.param(
            [(b"a", stored(11)), (b"a", stored(9)), OWN],
            Found([b"a"], {}, overtaken=True),
            id="two of them: both at a key that we know",
        ),
        pytest.param([(b"c", stored(5)), (b"c", None)], Found([], {}, overtaken=False), id="both have removed it"),
        pytest.param([OWN], Found([], {}, overtaken=False), id="only our own, and a run under way has gone on"),
    ],
)
def test_what_another_has_written_between_our_records_is_told_apart(records, found):
    between = Between()
    for key, value in records:
        between.add(key, value)
    assert compare(between, OURS, ENTRIES) == found


def test_a_value_that_is_no_entry_is_refused():
    with pytest.raises(ValueError, match="entry"):
        Between().add(b"a", b"nothing of ours")
