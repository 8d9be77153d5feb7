"""`chat2ga demo`: the product doing its whole job on one machine, and proof that it did it right."""

import asyncio
import signal
import tempfile
import time
from pathlib import Path
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from streams.configuration import read_accounts
from streams.demo.expected import Expected
from streams.demo.explaining import a_reaction
from streams.demo.sending import Sender, live_traffic, paced, sending
from streams.demo.stage import Stage, stage
from streams.demo.telling import Teller
from streams.demo.traffic import Mix, Record
from streams.demo.traffic import sessions as sample_sessions
from streams.demo.verdict import Seen, checks
from streams.demo.watching import Watch, watching
from streams.errors import Chat2gaError, Fault

__all__ = ["Stalled", "run_demo"]

SESSIONS: Final = 400
SEED: Final = 7
_BAD: Final = 0.02  # so that every kind of bad record is among a few hundred sessions
_SPAN_S: Final = 3 * 3_600  # in which the sessions begin
_SERVE_RATE: Final = 20.0  # records a second
PATIENCE_S: Final = 20.0
_LOOK_S: Final = 1.0
INTERRUPTED: Final = 130


class Stalled(Chat2gaError):
    """The worker runs and nothing moves."""

    fault = Fault.US

    def __init__(self, seconds: float, moved: tuple[int, ...], last_words: str) -> None:
        super().__init__(seconds, moved, last_words)
        self.seconds, self.moved, self.last_words = seconds, moved, last_words

    def __str__(self) -> str:
        attributed, delivered, *_ = self.moved
        return (
            f"nothing has moved for {self.seconds:g} s: {attributed:,} records attributed, {delivered:,} events "
            f"delivered. The worker's log ends:\n{self.last_words}"
        )


def run_demo(*, seed: int = SEED, sessions: int = SESSIONS, serve: bool = False) -> int:
    """Run the demo; the exit code: 0 only if every check of the verdict holds.

    With `serve` everything stays up, with slow traffic, until Ctrl-C.
    """
    teller = Teller()
    try:
        return asyncio.run(_demo(seed, sessions, teller, serve=serve))
    except Chat2gaError as error:
        teller.trouble(str(error))
        return 1


async def _demo(seed: int, sessions: int, teller: Teller, *, serve: bool) -> int:
    """The demo as a task that SIGINT and SIGTERM cancel: whatever it has started ends in order."""
    loop, interrupted = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    work = asyncio.create_task(_on_stage(seed, sessions, teller, serve=serve))
    told = asyncio.create_task(interrupted.wait())
    await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    work.cancel()  # nothing, if it is done
    try:
        return await work
    except asyncio.CancelledError:
        teller.step("interrupted: everything that was started has ended")
        return INTERRUPTED


def _unless_interrupted() -> None:
    """Raise CancelledError where a cancellation was lost on the way.

    Before Python 3.12 `wait_for` drops one that meets the end of what it waits for, and aiokafka's clients use it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _on_stage(seed: int, sessions: int, teller: Teller, *, serve: bool) -> int:
    records = _records(seed, sessions)
    with tempfile.TemporaryDirectory(prefix="chat2ga-demo-") as directory:
        async with stage(Path(directory)) as on:
            teller.step(f"broker at {on.settings.broker}, collector in Google's place at {on.collector.url}")
            accounts = read_accounts(on.settings.accounts)
            expected = Expected(accounts)
            expected.take_all(records)
            holds = await _show(on, records, expected, teller)
            teller.explained(*a_reaction(records, accounts))
            if not holds:
                teller.trouble(f"the demo has not shown what it should. The worker's log ends:\n{on.worker.tail()}")
            if serve:
                await _serve(on, seed, teller)
            return 0 if holds else 1


def _records(seed: int, n: int) -> list[Record]:
    """Traffic that ends a minute ago: GA takes no event that is older than 72 hours."""
    mix = Mix(bad=_BAD, starts_per_s=n / _SPAN_S)
    lasts_ms = max((record.arrival_ms for record in sample_sessions(seed, n, mix=mix, start_ms=0)), default=0)
    return list(sample_sessions(seed, n, mix=mix, start_ms=int(time.time() * 1000) - lasts_ms - 60_000))


async def _show(on: Stage, records: list[Record], expected: Expected, teller: Teller) -> bool:
    """Send, wait until all of it is done, and tell what came of it; whether every check holds."""
    began = time.monotonic()
    async with sending(on.settings) as sender:
        await sender.send(records)
        await sender.flush()
    teller.step(f"{len(records):,} records of {expected.sessions:,} visitors sent; the worker is starting")
    _unless_interrupted()
    await on.ready()
    teller.step(f"worker at work at {on.worker_url}")
    async with watching(on.settings, on.topics) as watch:
        await _until_done(on, sender, watch, expected, teller)
        teller.step(f"all of it attributed and delivered {time.monotonic() - began:.1f} s after the first was sent")
        arrived = on.arrivals.arrived(on.collector)
        seen = Seen(
            attributed=watch.attributed,
            events=watch.events,
            dead_letters=watch.dead_letters,
            receipts=watch.receipts,
            duplicates=await _duplicates(on),
        )
    teller.events(watch.names, arrived.names)
    teller.duplicates(expected.duplicates)
    teller.dead_letters(watch.dead_letters, watch.dead_reasons)
    teller.receipts(seen.receipts)
    for violation in arrived.violations:
        teller.trouble(violation)
    verdict = checks(expected, seen, arrived)
    teller.verdict(verdict)
    return all(check.holds for check in verdict)


async def _until_done(on: Stage, sender: Sender, watch: Watch, expected: Expected, teller: Teller) -> None:
    """Until the groups have committed everything and it is read here. Raises ChildEnded and Stalled."""
    parts = {
        "attributed": expected.records,
        "events": expected.names.total(),
        "receipts": expected.receipts.total(),
    }
    clock = asyncio.get_running_loop().time
    moved, since = (0, 0, 0), clock()
    with teller.progress(parts) as bars:
        while not await watch.done(sender.next_offsets):
            on.worker.check()
            _unless_interrupted()
            await watch.look()
            now = (watch.attributed, watch.delivered, watch.receipts.total())
            if now != moved:
                moved, since = now, clock()
            elif clock() - since > PATIENCE_S:
                raise Stalled(PATIENCE_S, moved, on.worker.tail())
            for part, count in zip(parts, (watch.attributed, watch.names.total(), watch.receipts.total()), strict=True):
                bars.to(part, count)


async def _duplicates(on: Stage) -> int:
    """How many duplicates the worker has counted, as Prometheus would read it."""
    async with aiohttp.ClientSession() as session, session.get(f"{on.worker_url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return sum(
        int(sample.value)
        for family in families
        for sample in family.samples
        if sample.name == "chat2ga_records_total" and sample.labels == {"agent": "attribute", "outcome": "duplicate"}
    )


async def _serve(on: Stage, seed: int, teller: Teller) -> None:
    """Slow traffic until Ctrl-C, which is how this ends well. Raises ChildEnded if the worker does not last."""
    teller.urls(on.worker_url, on.collector.url)
    stopped = asyncio.Event()
    async with sending(on.settings) as sender:
        traffic = asyncio.create_task(
            paced(sender, live_traffic(seed + 1, _SERVE_RATE), _SERVE_RATE, stopped), name="traffic"
        )
        try:
            while not traffic.done():
                on.worker.check()
                _unless_interrupted()
                await asyncio.wait({traffic}, timeout=_LOOK_S)
            await traffic
        except asyncio.CancelledError:
            teller.step("stopping")
        finally:
            stopped.set()
            await asyncio.wait({traffic})
