"""Two files of events, matched as two rule sets are: what two versions of chat2ga made of the same history.

An event tells which interaction fired it: its session, its time and the first of
`caused_by`. DuckDB brings the events of both files into that order, in bounded
memory and on disk where there are many; a visitor's sessions count as one history
there, as they may begin elsewhere in the other file. Records that repeat an event,
as at-least-once delivery leaves them, count once.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import msgspec

from schemas.ga_event import GaEvent, decode_event
from streams.comparison.compared import SIDES, Compared, Side, Under
from streams.comparison.differences import Difference, Matching
from streams.comparison.product import encode_difference
from streams.comparison.run import added_up, differences_file
from streams.replay.database import database
from streams.replay.errors import BadInput, BadOutput
from streams.replay.writing import STDOUT, check_file, whole_file

__all__ = ["EventFiles", "compare_events"]

_LARGEST_BYTES: Final = 4_194_304  # of an event; DuckDB keeps several buffers of this
_ROWS: Final = 1_000
_WHICH: Final = "Compare what `chat2ga replay` wrote as .jsonl, or records of ga-events."
_BEGINNING: Final = re.compile(r"@[0-9]+\Z")
_IN_ORDER: Final = """
    SELECT side, json FROM (
        SELECT 0 AS side, json FROM read_ndjson_objects($a, maximum_object_size = $largest)
        UNION ALL
        SELECT 1 AS side, json FROM read_ndjson_objects($b, maximum_object_size = $largest)
    )
    ORDER BY
        json_extract_string(json, '$.account_id'),
        regexp_replace(json_extract_string(json, '$.session_id'), '@[0-9]+$', ''),
        try_cast(json_extract(json, '$.timestamp_micros') AS BIGINT),
        json_extract_string(json, '$.caused_by[0]'),
        side,
        json_extract_string(json, '$.event_id')
"""


class EventFiles(msgspec.Struct, frozen=True):
    """JSON lines, packed or not: what a replay wrote, or records of `ga-events`."""

    a: str
    b: str
    out: str | None = None  # where the differences go, one JSON object a line


def compare_events(files: EventFiles) -> Compared:
    """Compare; the differences stand in `files.out`. Raises Chat2gaError, and then nothing was written to a file."""
    _check(files)
    counts: Counter[tuple[str, Side]] = Counter()
    with differences_file(files.out) as written:
        with whole_file(str(written)) as out:
            for difference in _differences(files, counts):
                out.write(encode_difference(difference) + b"\n")
        summary = added_up(written, files.out)
    a, b = (Under(events=counts["events", side], repeated=counts["repeated", side]) for side in SIDES)
    return Compared(a, b, summary)


def _check(files: EventFiles) -> None:
    """Raises BadInput where there is nothing to read: DuckDB takes a name for more than that of a file."""
    for name in (files.a, files.b):
        try:
            Path(name).open("rb").close()
        except OSError as error:
            raise BadInput(name, f"this file of events cannot be read: {error.strerror}. Check the path.") from None
    if files.out not in (None, STDOUT):
        out = str(files.out)
        check_file(out)
        if Path(out).resolve() in {Path(name).resolve() for name in (files.a, files.b)}:
            raise BadOutput(out, "--to would replace one of the files of events. Name another file.")


def _differences(files: EventFiles, counts: "Counter[tuple[str, Side]]") -> Iterator[Difference]:
    """Session by session, interaction by interaction."""
    for _, of_session in groupby(_events(files, counts), key=lambda each: _session(each[1])):
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


def _events(files: EventFiles, counts: "Counter[tuple[str, Side]]") -> Iterator[tuple[Side, GaEvent]]:
    """The events of both files in the order of `_IN_ORDER`, each once."""
    last: tuple[Side, str] | None = None
    for number, line in _sorted(files):
        side = SIDES[number]
        try:
            event = decode_event(line.encode())
        except msgspec.MsgspecError as error:
            name = getattr(files, side)
            raise BadInput(name, f"this is no file of GA events: {error} in {line[:80]!r}. {_WHICH}") from None
        if last == (side, event.event_id):
            counts["repeated", side] += 1
            continue
        last = side, event.event_id
        counts["events", side] += 1
        yield side, event


def _sorted(files: EventFiles) -> Iterator[tuple[int, str]]:
    with (
        TemporaryDirectory(prefix="chat2ga-compare-", ignore_cleanup_errors=True) as directory,
        database(Path(directory)) as connection,
    ):
        try:
            found = connection.execute(_IN_ORDER, {"a": files.a, "b": files.b, "largest": _LARGEST_BYTES})
            while rows := found.fetchmany(_ROWS):
                yield from rows
        except duckdb.InvalidInputException as error:
            raise BadInput(f"{files.a}, {files.b}", str(error).partition("\n")[0]) from None
