"""The steps of a proof: an input and what is due of it, the work, and what came of it, held against each other.

Nothing is kept whole; of a session some 3 kB are.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from subprocess import CompletedProcess
from typing import Any, Final

from aiokafka.errors import KafkaError

from tests.guarantees.due import Due, Events, Letters, Receipts
from tests.guarantees.feeding import records_of
from tests.guarantees.harness import ACCOUNTS, Chat2ga, Only, secrets
from tests.guarantees.judge import Verdict
from tests.guarantees.ways import Failing
from tests.kafka import Record, Written, each_record, end_offsets
from tests.streams.cli.command import ROOT, chat2ga

__all__ = ["BREAKER_OPENS", "EXAMPLES", "SETTINGS", "Proof", "Run"]

INTERACTIONS: Final = 12.0
"""A session, on average, as visits go; copies of tabs and redeliveries come on top."""
SPAN_S: Final = 7_200.0
"""Sessions begin within so long, six hours ago: all of it lies in the past, and within the 72 h of GA."""
OLDEST_S: Final = 48 * 3600.0
SETTINGS: Final = {"ga_in_flight": 32, "session_timeout_s": 30, "heartbeat_s": 3, "rebalance_timeout_s": 60}
"""Those of production: nothing befalls the workers here."""
STALLED_S: Final = 120.0
BREAKER_OPENS: Final = "one request at a time asks anew"
"""In the worker's log, where an endpoint has failed too often in a row."""
_SECRETS: Final = tuple(secret.encode() for secret in secrets().values())
_LOOK_S: Final = 1.0
_TELL_S: Final = 5.0
_COMMAND_S: Final = 1_800.0
_MEGA: Final = 1_000_000
_MAXRSS_BYTES: Final = 1 if sys.platform == "darwin" else 1_024
EXAMPLES: Final = 5
"""Of what differs, so many are told."""


@dataclass
class Proof:
    """What one run has shown."""

    name: str
    verdict: Verdict = field(default_factory=Verdict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.verdict.faults

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        found = {
            name: {"count": len(places), "first": places[:EXAMPLES]} for name, places in self.verdict.found.items()
        }
        return {"run": self.name, "holds": self.holds, **self.figures, "violations": found}


class Run:
    """Feed, let the worker work, and compare: the steps that the three have in common."""

    def __init__(self, name: str, chat2ga: Chat2ga, google: Failing, tell: Callable[[str], None]) -> None:
        self.chat2ga, self.google = chat2ga, google
        self.proof = Proof(name)
        self._tell = lambda line: tell(f"{name}: {line}")
        self._peak_bytes = 0.0
        self._all_attributed: tuple[float, int] | None = None  # when, and how much had arrived by then
        self._last_told = 0.0

    # -- the input, and what is due of it ------------------------------------------------

    async def fed(self, sessions: int, seed: int | str) -> Due:
        """Write the input, and compute what is due of it as it lies there."""
        records = records_of(seed, sessions, mean_interactions=INTERACTIONS, starts_per_s=max(50.0, sessions / SPAN_S))
        await self.chat2ga.feed(self._counted(records))
        due, partition = Due(ACCOUNTS), 0
        async for record in each_record(self.chat2ga.kafka.bootstrap, self.chat2ga.input):
            if record.partition != partition:
                due.end()
                partition = record.partition
            due.take(record)
            self._sometimes(f"{due.interactions:,} interactions through the core")
        due.end()
        oldest_s = time.time() - (due.oldest_micros or 0) / 1e6
        assert oldest_s < OLDEST_S, f"an event is {oldest_s:.0f} s old: GA would take it no more"
        return due

    def _counted(self, records: Iterable[Written]) -> Iterator[Written]:
        for number, record in enumerate(records):
            self._sometimes(f"{number:,} interactions written")
            yield record

    # -- the work --------------------------------------------------------------------------

    async def worked(self, due: Due, program: Sequence[str] = (), parts: Sequence[Only] = (None,)) -> None:
        """A worker does all of it, `attribute` and `deliver`; or one each."""
        for part in parts:
            self.chat2ga.start(part or "worker", part, program=program)
        await self.chat2ga.at_work()
        began = time.monotonic()
        await self.caught_up(due)
        assert self._all_attributed is not None
        attributed, arrived = self._all_attributed
        alone_s, alone = time.monotonic() - attributed, self.google.arrivals() - arrived
        self.proof.figures |= {
            "seconds": round(time.monotonic() - began, 1),
            "seconds_until_all_attributed": round(attributed - began, 1),
            "arrivals_a_second_after_that": round(alone / max(alone_s, 1)),
        }

    async def caught_up(self, due: Due) -> None:
        """Wait until all is committed. Raises TimeoutError where nothing moves."""
        events, moved, since = f"{self.chat2ga.prefix}ga-events", (0, 0, 0), time.monotonic()
        while True:
            self.chat2ga.check_alive()
            now = moved
            with suppress(KafkaError, OSError, TimeoutError):  # a broker this busy may answer late: asked again
                attributed = sum((await self.chat2ga.committed("attribute")).values())
                delivered = sum((await self.chat2ga.committed("deliver")).values())
                now = attributed, delivered, self.google.requests
                ends = await end_offsets(self.chat2ga.kafka.bootstrap, events) if attributed else {}
                if attributed >= due.interactions:
                    self._all_attributed = self._all_attributed or (time.monotonic(), self.google.arrivals())
                if attributed >= due.interactions and delivered >= sum(ends.values()):
                    return
                self._sometimes(
                    f"{attributed:,} of {due.interactions:,} interactions attributed, {delivered:,} of "
                    f"{sum(ends.values()):,} events settled, {self.google.requests:,} requests"
                )
                self._peak_bytes = max(self._peak_bytes, await self._held_bytes())
            if now != moved:
                moved, since = now, time.monotonic()
            elif time.monotonic() - since > STALLED_S:
                raise TimeoutError(f"nothing has moved for {STALLED_S:g} s: {moved}\n{self.chat2ga.logs()}")
            await asyncio.sleep(_LOOK_S)

    async def _held_bytes(self) -> float:
        return sum([await self.chat2ga.metric(name, "process_resident_memory_bytes") for name in self.chat2ga.workers])

    async def requeued(self) -> str:
        """`chat2ga dead-letters requeue` of all that was refused; what it says."""
        done = await self._command("dead-letters", "requeue", "--code", "refused", "--yes")
        return done.stderr.decode().strip().splitlines()[-1]

    async def stopped(self) -> None:
        """Who works ends in order, and has told no secret."""
        workers = dict(self.chat2ga.workers)
        codes = await self.chat2ga.stop_all()
        self.proof.verdict.wrong("exit_code", *[code for code in codes.values() if code])
        texts = {name: worker.process.text() for name, worker in workers.items()}
        self.proof.figures["breaker_opened"] = sum(text.count(BREAKER_OPENS) for text in texts.values())
        for name, text in texts.items():
            self._hold_no_secret(f"the log of {name}", text.encode())

    def _hold_no_secret(self, where: str, told: bytes) -> None:
        self.proof.verdict.wrong("secret_told", *[where for secret in _SECRETS if secret in told])

    # -- what came of it ---------------------------------------------------------------------

    async def judge_events(self, due: Due) -> None:
        """`ga-events` before anything is put back."""
        events = Events()
        async for record in self._each("ga-events"):
            events.take(record.key or b"", record.value or b"")
        due.judge_events(self.proof.verdict, events)
        self.proof.figures["events"] = events.count

    async def letters(self) -> Letters:
        """The dead letters."""
        letters = Letters()
        async for record in self._each("dead-letters"):
            letters.take(record)
        return letters

    async def receipts(self) -> Receipts:
        """The receipts."""
        receipts = Receipts()
        async for record in self._each("ga-receipts"):
            receipts.take(record)
        return receipts

    async def _each(self, topic: str) -> AsyncGenerator[Record]:
        self._tell(f"reading {topic}")
        async for record in each_record(self.chat2ga.kafka.bootstrap, f"{self.chat2ga.prefix}{topic}"):
            self._hold_no_secret(topic, record.value or b"")
            yield record

    async def judge(self, due: Due, receipts: Receipts, letters: Letters) -> None:
        """All but `ga-events`, and what `chat2ga receipts` makes of it."""
        verdict, google = self.proof.verdict, self.google
        due.judge_receipts(verdict, receipts)
        due.judge_letters(verdict, letters, google.refused)
        due.judge_arrivals(verdict, google.times, google.unasked.elements())
        outcomes = receipts.by_outcome()
        if outcomes["delivered"] != len(google.times):
            verdict.wrong("delivered", f"{outcomes['delivered']} receipts, {len(google.times)} pairs at the collector")
        told = json.loads((await self._command("receipts")).stdout)["outcomes"]
        if told != dict(outcomes):
            verdict.wrong("chat2ga_receipts", f"{told} instead of {dict(outcomes)}")
        for sample in google.summary()["violations_first"]:
            verdict.wrong("violation", f"{sample['rule']}: {sample['detail']}")

    async def _command(self, *arguments: str) -> CompletedProcess[bytes]:
        done = await asyncio.to_thread(
            chat2ga,
            *arguments,
            cwd=ROOT,
            within_s=_COMMAND_S,
            broker=self.chat2ga.kafka.url,
            topic_prefix=self.chat2ga.prefix,
        )
        self._hold_no_secret(f"chat2ga {arguments[0]}", done.stdout + done.stderr)
        if done.returncode:
            raise RuntimeError(f"chat2ga {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr.decode()}")
        return done

    # -- told --------------------------------------------------------------------------------

    def _sometimes(self, line: str) -> None:
        if time.monotonic() - self._last_told > _TELL_S:
            self._last_told = time.monotonic()
            self._tell(line)

    def tell_all(self, due: Due, receipts: Receipts) -> Proof:
        """The figures."""
        google = self.google
        self.proof.figures = {
            "sessions": due.sessions,
            "interactions": due.interactions,
            "pairs_due": len(due.outcomes),
            "outcomes": dict(receipts.by_outcome().most_common()),
            "dead_letters": len(due.dead_letters),
            "requests": google.requests,
            "requests_taken": google.requests_taken,
            "arrivals": google.arrivals(),
            "events_a_request": round(google.arrivals() / max(google.requests_taken, 1), 2),
            "repeats": self.proof.verdict.arrivals_repeated,
            "by_way": dict(google.by_way),
            "attempts": dict(sorted(receipts.attempts.items())),
            "workers_peak_mb": round(self._peak_bytes / _MEGA),
            "own_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES / _MEGA),
            **self.proof.figures,
        }
        return self.proof
