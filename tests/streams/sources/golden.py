"""The golden examples: what each format's records become, and which events come of that.

Of a format there is `raw.jsonl`, its records, after its documented examples; and
twice, with a mapping that says as little as can be (`plain.toml`) and with one that
says much (`mapped.toml`), what each record is translated to, and the events.

    python -m tests.streams.sources.golden    write what is expected anew; look at the difference
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas.account import Account
from schemas.decoding import decode_interaction, session_key
from schemas.ga_event import GaEvent, encode_event
from schemas.interaction import Fault, Interaction, Unknown
from schemas.session import Session
from streams.attribution import Rules, step
from streams.configuration import read_mapping
from streams.sources import FORMATS, Mapping

GOLDEN: Final = Path(__file__).parent / "golden"
MAPPINGS: Final = ("plain", "mapped")
_ANY_TIME: Final = 1 << 62
_RULES: Final = Rules.of(account=Account())

Translated = tuple[bytes, ...] | Fault | Unknown


def raw_records(name: str) -> list[bytes]:
    """The records of a format's golden example."""
    return (GOLDEN / name / "raw.jsonl").read_bytes().splitlines()


def mapping_of(name: str, which: str) -> Mapping:
    return read_mapping(GOLDEN / name / f"{which}.toml")


def translated(name: str, mapping: Mapping) -> list[Translated]:
    """What each record becomes."""
    return [FORMATS[name].translate(raw, mapping) for raw in raw_records(name)]


def events_of(made: list[Translated]) -> list[GaEvent]:
    """The events, session by session, in the order of time: as a replay does it."""
    sessions: dict[str, list[Interaction]] = {}
    for records in made:
        for raw in records if isinstance(records, tuple) else ():
            interaction = decode_interaction(raw, _ANY_TIME)
            assert not isinstance(interaction, (Fault, Unknown)), interaction
            sessions.setdefault(session_key(interaction), []).append(interaction)
    return [event for each in sessions.values() for event in _events(each)]


def _events(interactions: list[Interaction], session: Session | None = None) -> Iterator[GaEvent]:
    for interaction in sorted(interactions, key=lambda each: each.timestamp):
        decision = step(session, interaction, _RULES)
        session = decision.session
        yield from decision.events


def _told(records: Translated) -> Any:
    match records:
        case Fault():
            return {"fault": records}
        case Unknown():
            return {"unknown": records.type}
        case _:
            return {"interactions": [msgspec.Raw(raw) for raw in records]}


def expected(name: str, which: str) -> dict[str, bytes]:
    """What the files of expectations hold, by their names: a record a line, and an event a line."""
    made = translated(name, mapping_of(name, which))
    return {
        f"{which}.interactions.jsonl": _lines(msgspec.json.encode(_told(records)) for records in made),
        f"{which}.events.jsonl": _lines(encode_event(event) for event in events_of(made)),
    }


def _lines(lines: Iterator[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def main() -> None:
    for name in FORMATS:
        for which in MAPPINGS:
            for file, content in expected(name, which).items():
                (GOLDEN / name / file).write_bytes(content)


if __name__ == "__main__":
    main()
