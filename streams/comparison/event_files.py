"""Two files of events, matched as two rule sets are: what two versions of chat2ga made of the same history.

An event tells which interaction fired it: its session, its time and the first of
`caused_by`. The events of both are written down, and DuckDB sorts where they lie: in
bounded memory, however many there are. A visitor's sessions count as one history
there, as they may begin elsewhere under the other version. Records that repeat an
event, as at-least-once delivery leaves them, count once.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from schemas.ga_event import GaEvent, decode_event
from streams.comparison.compared import SIDES, Compared, Side, Under
from streams.comparison.differences import Difference, Matching
from streams.comparison.product import encode_difference
from streams.comparison.run import added_up, differences_file
from streams.replay import Input, Progress, inputs_of, total_bytes
from streams.replay.database import database
from streams.replay.dead_letters import Oversized
from streams.replay.errors import BadInput, BadOutput
from streams.replay.explanation import place_in
from streams.replay.inputs import STDIN, lines
from streams.replay.places import place
from streams.replay.writing import STDOUT, check_file, room_in, whole_file

__all__ = ["EventFiles", "compare_events"]

_ROWS: Final = 8_192
_BITS: Final = 63
_BEGINNING: Final = re.compile(r"@[0-9]+\Z")
_WHICH: Final = "Compare what `chat2ga replay` wrote as .jsonl, or records of ga-events."


class EventFiles(msgspec.Struct, frozen=True):
    """Inputs as a replay takes them, of events: what a replay wrote, or records of `ga-events`."""

    a: tuple[str | Input, ...]
    b: tuple[str | Input, ...]
    out: str | None = None  # where the differences go, one JSON object a line


def _unheard(*_: object) -> None:
    pass


def compare_events(files: EventFiles, progress: Progress = _unheard) -> Compared:
    """Compare; the differences stand in `files.out`. Raises Chat2gaError, and then nothing was written to a file."""
    inputs: dict[Side, tuple[Input, ...]] = {"a": inputs_of(files.a), "b": inputs_of(files.b)}
    _check(inputs, files.out)
    counts: Counter[tuple[str, Side]] = Counter()
    with (
        TemporaryDirectory(prefix="chat2ga-compare-", ignore_cleanup_errors=True) as directory,
        room_in(Path(directory)),
        differences_file(files.out) as written,
    ):
        in_order = _in_order(_read(inputs, progress), Path(directory))
        with whole_file(str(written)) as out:
            for difference in _differences(_once(in_order, counts)):
                out.write(encode_difference(difference) + b"\n")
        summary = added_up(written, files.out)
    a, b = (Under(events=counts["events", side], repeated=counts["repeated", side]) for side in SIDES)
    return Compared(a, b, summary)


def _check(inputs: Mapping[Side, Sequence[Input]], out: str | None) -> None:
    """Whatever can be known to be wrong before anything is read."""
    names = [each.name for side in inputs.values() for each in side]
    if names.count(STDIN) > 1:
        raise BadInput(STDIN, "standard input can be read once only. Name it once.")
    if out in (None, STDOUT):
        return
    check_file(str(out))
    if Path(str(out)).resolve() in {Path(name).resolve() for name in names}:
        raise BadOutput(str(out), "--to would replace one of the files of events. Name another file.")


def _differences(events: Iterable[tuple[Side, GaEvent]]) -> Iterator[Difference]:
    """Session by session, interaction by interaction."""
    for _, of_session in groupby(events, key=lambda each: _session(each[1])):
        matching = Matching()
        at: dict[Side, str] = {}
        for _, fired in groupby(of_session, key=lambda each: (each[1].timestamp_micros, each[1].caused_by[:1])):
            by_side: dict[Side, list[GaEvent]] = {"a": [], "b": []}
            for side, event in fired:
                by_side[side].append(event)
            begun = {side: events[0].session_id for side, events in by_side.items() if events}
            if any(at.get(side, session_id) != session_id for side, session_id in begun.items()):
                yield from matching.settled()
            at |= begun
            yield from matching.fired(by_side["a"], by_side["b"])
        yield from matching.settled()


def _session(event: GaEvent) -> tuple[str, str]:
    """Its account and session; of a visitor's session the visitor."""
    return event.account_id, _BEGINNING.sub("", event.session_id)


def _once(
    events: Iterable[tuple[Side, GaEvent]], counts: "Counter[tuple[str, Side]]"
) -> Iterator[tuple[Side, GaEvent]]:
    """Each event once: those that repeat one stand behind it."""
    last: tuple[Side, str] | None = None
    for side, event in events:
        if last == (side, event.event_id):
            counts["repeated", side] += 1
            continue
        last = side, event.event_id
        counts["events", side] += 1
        yield side, event


# -- in order -------------------------------------------------------------------------------------


def _in_order(found: Iterable[tuple[Side, bytes, GaEvent]], directory: Path) -> Iterator[tuple[Side, GaEvent]]:
    """The events of both, by session, by the interaction that fired them, by side."""
    lines_file, index = directory / "lines", directory / "index.csv"
    with lines_file.open("wb") as file, index.open("w", encoding="ascii") as rows:
        at = 0
        for side, line, event in found:
            file.write(line)
            rows.write(f"{_sort_key(event)},{SIDES.index(side)},{_digest(event.event_id)},{at},{len(line)}\n")
            at += len(line)
    with database(directory) as connection, lines_file.open("rb") as file:
        # Columns of one size: of these DuckDB sorts more than it may hold.
        sorting = connection.execute(
            """
            SELECT side, begins, size
            FROM read_csv(?, auto_detect = false, header = false, delim = ',', columns = {
                'session': 'UBIGINT', 'micros': 'BIGINT', 'cause': 'UBIGINT',
                'side': 'UTINYINT', 'event': 'UBIGINT', 'begins': 'BIGINT', 'size': 'BIGINT'
            })
            ORDER BY session, micros, cause, side, event, begins
            """,
            [str(index)],
        )
        while places := sorting.fetchmany(_ROWS):
            for side, begins, size in places:
                yield SIDES[side], decode_event(os.pread(file.fileno(), size, begins))


def _read(inputs: Mapping[Side, Sequence[Input]], progress: Progress) -> Iterator[tuple[Side, bytes, GaEvent]]:
    of_bytes, read_bytes = total_bytes([each for side in inputs.values() for each in side]), 0

    def read(size: int) -> None:
        nonlocal read_bytes
        read_bytes += size
        progress("reading", read_bytes, of_bytes)

    for side in SIDES:
        for seq, line in lines(inputs[side], read):
            try:
                yield side, *_event(line)
            except (msgspec.MsgspecError, ValueError) as error:
                file, number = place(seq)
                at = place_in(inputs[side][file].name, number)
                raise BadInput(str(at), f"this is no GA event: {error}. {_WHICH}") from None


def _event(line: bytes | Oversized) -> tuple[bytes, GaEvent]:
    """The event in a line. Raises ValueError and what msgspec raises where there is none."""
    if isinstance(line, Oversized):
        raise ValueError(f"it has {line.size} bytes")  # noqa: TRY004 - it is the line that is wrong
    event = decode_event(line)
    if not event.caused_by or event.timestamp_micros.bit_length() >= _BITS:
        raise ValueError("Expected a time, and what it was caused by")
    return line, event


def _sort_key(event: GaEvent) -> str:
    return f"{_digest('/'.join(_session(event)))},{event.timestamp_micros},{_digest(event.caused_by[0])}"


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
