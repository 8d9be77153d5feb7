"""Sample traffic: a seeded stream of raw interactions as they would arrive on `chat-interactions`.

    python -m streams.demo.traffic --broker kafka://localhost:9092 --rate 200 --seconds 60

The same arguments give the same bytes, and time is an argument: nothing here
looks at a clock but the command, which sends (`streams.demo.sending`).
"""

import heapq
from collections.abc import Iterator
from itertools import accumulate, count
from random import Random
from typing import Annotated, Final, Literal

import msgspec
import typer

from streams.demo.scenes import play
from streams.demo.sites import SITES
from streams.demo.spoilt import KINDS
from streams.demo.visit import Visit

__all__ = ["EPOCH_MS", "Mix", "Record", "sessions", "traffic"]

EPOCH_MS: Final = 1_767_600_000_000
"""Where sample time begins unless told: 2026-01-05, 08:00 UTC."""

Note = Literal["", "redelivered", "late", "unknown type", "bad"]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record on its way to the topic, and why it is remarkable, if it is."""

    key: bytes | None
    value: bytes | None
    arrival_ms: int
    note: Note = ""
    kind: int = -1  # of a bad one: its place in KINDS


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """What the traffic is made of."""

    mean_interactions: float = 12.0  # a session; other tabs' copies and redeliveries not counted
    starts_per_s: float = 1.0  # sessions that begin in a second of sample time
    redelivered: float = 0.02  # of the interactions: come a second time, the same to the byte
    late: float = 0.01  # are held up for up to eight minutes
    bad: float = 0.01  # are followed by a bad record
    unknown: float = 0.005  # are followed by one of a type of tomorrow


_DEFAULT: Final = Mix()
# Measured: visits are longer than wanted by this much, because the last scene is played to its end.
_OVERSHOOT: Final = 1.8
_TOMORROW: Final = ("screen_shared", "typing_started", "file_offered")
_SITES: Final = tuple(accumulate(site.share for site in SITES))


def sessions(seed: int, n: int, *, mix: Mix = _DEFAULT, start_ms: int = EPOCH_MS) -> Iterator[Record]:
    """The records of `n` random sessions, in the order in which they arrive."""
    return _arriving(seed, range(n), mix, start_ms)


def traffic(seed: int, *, mix: Mix = _DEFAULT, start_ms: int = EPOCH_MS) -> Iterator[Record]:
    """Records without end, in the order in which they arrive."""
    return _arriving(seed, count(), mix, start_ms)


def _arriving(seed: int, numbers: Iterator[int] | range, mix: Mix, start_ms: int) -> Iterator[Record]:
    """Visits begun one after the other, their records merged by arrival."""
    starts, kinds, ties = Random(f"{seed}/starts"), _kinds(), count()
    waiting: list[tuple[int, int, Record]] = []
    now_ms = float(start_ms)
    for number in numbers:
        now_ms += starts.expovariate(mix.starts_per_s) * 1000
        # Nothing of this visit or a later one arrives before it starts.
        while waiting and waiting[0][0] < now_ms:
            yield heapq.heappop(waiting)[2]
        for record in _records(Random(f"{seed}/{number}"), mix, int(now_ms), kinds):
            heapq.heappush(waiting, (record.arrival_ms, next(ties), record))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _kinds() -> Iterator[int]:
    """Which kind of bad record comes next: every one in turn, those of megabytes once."""
    yield from range(len(KINDS))
    while True:
        yield from (kind for kind in range(len(KINDS)) if KINDS[kind].code != "too_large")


def _records(rng: Random, mix: Mix, start_ms: int, kinds: Iterator[int]) -> Iterator[Record]:
    """One visit's records, in no order: what was reported, and what befell it on the way."""
    site = rng.choices(SITES, cum_weights=_SITES)[0]
    visit = Visit(rng, site, start_ms)
    play(visit, round(rng.expovariate(1 / max(mix.mean_interactions - _OVERSHOOT, 0.1))))
    key, encode = visit.key.encode(), msgspec.json.Encoder().encode
    for at_ms, said in visit.said:
        value, arrival_ms = encode(said), at_ms + rng.randrange(20, 400)
        if rng.random() < mix.late:
            yield Record(key, value, arrival_ms + rng.randrange(20_000, 480_000), "late")
        else:
            yield Record(key, value, arrival_ms)
        if rng.random() < mix.redelivered:
            yield Record(key, value, arrival_ms + rng.randrange(1, 90_000), "redelivered")
        if rng.random() < mix.unknown:
            yield Record(key, encode({**said, "type": rng.choice(_TOMORROW)}), arrival_ms, "unknown type")
        if rng.random() < mix.bad:
            kind = next(kinds)
            yield Record(*KINDS[kind].make(visit, at_ms), arrival_ms, "bad", kind)


def _command(
    broker: Annotated[str | None, typer.Option(help="kafka://host:port; CHAT2GA_BROKER by default.")] = None,
    rate: Annotated[float, typer.Option(min=0.1, help="Records a second.")] = 50.0,
    seconds: Annotated[float, typer.Option(min=0, help="For how long; 0: until stopped.")] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same traffic.")] = 1,
) -> None:
    """Send sample traffic to `chat-interactions`."""
    from streams.demo.sending import send_traffic  # noqa: PLC0415  # whoever only wants the data needs no Kafka

    raise typer.Exit(send_traffic(broker=broker, rate=rate, seconds=seconds, seed=seed))


if __name__ == "__main__":
    typer.run(_command)
