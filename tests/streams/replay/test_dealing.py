"""A piece of the input is dealt whole, and what it says then is known to a replay that goes on."""

from streams.replay import Translation
from streams.replay.dealing import deal_piece
from streams.replay.done import Done
from streams.replay.places import Chunk, line_at
from streams.replay.segments import merged
from streams.replay.spill import blocks
from streams.sources import Mapping
from tests.streams.replay.replays import LINES, plan


def test_a_piece_that_says_it_is_dealt_is_dealt(tmp_path):
    ours = plan(tmp_path, buckets=3)
    done = deal_piece(ours, (5, Chunk(line_at(0, 1), b"\n".join(LINES))))
    assert Done.read(ours.piece_file(5)) == done
    assert done.piece == (line_at(0, 1), len(b"\n".join(LINES)))
    assert ours.dealt() == [ours.dealt_file(5)]
    dealt = [record for number in range(3) for block in blocks(ours.dealt(), number) for record in block.records(-1)]
    assert len(dealt) == len(LINES)
    assert done.tally.records == 0, "records of our own format are counted when they are decoded"


def test_what_cannot_be_translated_is_counted_and_kept(tmp_path):
    ours = plan(tmp_path, translation=Translation("smartsupp-webhook", Mapping()))
    done = deal_piece(ours, (0, Chunk(line_at(0, 1), b"{\n[]")))
    assert done.tally.dead_letters.total() == done.tally.records == 2
    assert len(list(merged([tmp_path / done.dead_letters]))) == 2


def test_what_cannot_be_translated_is_counted_only_where_nobody_asked(tmp_path):
    ours = plan(tmp_path, translation=Translation("smartsupp-webhook", Mapping()), keep_dead_letters=False)
    done = deal_piece(ours, (0, Chunk(line_at(0, 1), b"{")))
    assert (done.dead_letters, done.tally.records) == (None, 1)
