"""The real worker, ended or frozen at a chosen point, and with one of its guards broken if that is wanted.

    python -m tests.guarantees.broken [guard=NAME] [at=POINT] [after=TIMES] [signal=KILL|STOP] [then=KILL] [--only PART]

For tests that the judge sees what the guards are there to prevent. All of it is
done to the classes in this process: the product has no switch for any of it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from streams.delivery.delivery import Delivery
from streams.measurement import Answer
from streams.runs import ROOT_KEY, Record, RocksStore, Run, Writes, pack, transactions
from streams.runs.app import RunApp
from streams.runs.consumer import RunConsumer
from streams.runs.errors import PublishFailed
from streams.runs.pipeline import Sink, Stateful
from streams.runs.producer import Publisher
from streams.runs.strays import Strays
from streams.runs.table import RunTable
from streams.runs.table_partition import TablePartition
from streams.runs.transactions import ExactlyOnce
from streams.runs.writing import Work
from streams.settings import load_settings
from streams.worker import attribute, run_worker
from streams.worker.live import LiveSession, take

__all__ = ["GUARDS", "POINTS", "program"]


def program(*, guard: str = "", at: str = "", after: int = 1, by: str = "KILL", then: str = "") -> Sequence[str]:
    """What `Chat2ga.start` takes: Python's arguments. `then` is the signal behind the call that was held up."""
    given = (f"guard={guard}", f"at={at}", f"after={after}", f"signal={by}", f"then={then}")
    return ("-m", "tests.guarantees.broken", *given)


SLOW_S: Final = 6.0
"""Longer than it takes another worker to start and to join, shorter than the patience of a rebalance."""

# -- points: behind this call the process is ended --------------------------------------------------

POINTS: Final[dict[str, tuple[type, str, Callable[..., bool]]]] = {
    "outputs acknowledged": (RunApp, "publish", lambda _app, outputs: any(output.records for output in outputs)),
    "state acknowledged": (
        RunTable,
        "write",
        lambda _table, _number, changes: any(change.key != ROOT_KEY for change in changes),
    ),
    "run finished": (Sink, "_after", lambda *_: True),
    "offset committed": (RunConsumer, "_commit", lambda *_: True),
    "ga answered": (Delivery, "_attempt", lambda *_: True),
    "all in the transaction": (AIOKafkaProducer, "send_offsets_to_transaction", lambda *_: True),
    "transaction committed": (AIOKafkaProducer, "commit_transaction", lambda *_: True),
}
"""By name: the method behind which it lies, and which of its calls count."""
BEFORE_STATE: Final = "before state"
"""The one point that lies before a call: the changelog is about to be written."""


def _end_at(point: str, after: int, number: int, then: int | None) -> None:
    """Send ourselves a signal behind the call that is the `after`-th to count; `then` another one, if we wake."""
    owner, name, counts = POINTS["state acknowledged" if point == BEFORE_STATE else point]
    original, calls = getattr(owner, name), [0]

    @wraps(original)
    async def ending(*args: Any, **kwargs: Any) -> Any:
        counted = counts(*args, **kwargs)
        calls[0] += counted
        here = counted and calls[0] == after
        if here and point == BEFORE_STATE:
            os.kill(os.getpid(), number)
        result = await original(*args, **kwargs)
        if here and point != BEFORE_STATE:
            os.kill(os.getpid(), number)
        if here and then is not None:
            os.kill(os.getpid(), then)
        return result

    setattr(owner, name, ending)


# -- guards, broken ----------------------------------------------------------------------------------


def commit_before_acks() -> None:
    """The input offset is committed before the run's outputs and state are written."""
    original = Stateful._write

    async def write(self: Stateful, work: Work, previous: Any) -> None:
        self.app.consumer.ack(work.message)
        await self.app.consumer.commit()
        await original(self, work, previous)

    Stateful._write = write  # type: ignore[method-assign]


def state_before_outputs() -> None:
    """The state is written, and says what it has seen, before the outputs are."""

    async def write(self: Stateful, work: Work, previous: Any) -> None:
        if previous is not None:
            await asyncio.shield(previous)
        if work.table is not None and work.writes.changes:
            await work.table.write(work.message.run.partition, work.writes.changes)
        await self.app.publish(work.writes.outputs)
        self.app.consumer.ack(work.message)

    Stateful._write = write  # type: ignore[method-assign]


def no_offset_in_the_state() -> None:
    """The state does not say which records it has seen."""
    attribute.__dict__["pack"] = lambda _offset, *rest: pack(0, *rest)

    def forgetful(changelog: str, held: TablePartition, key: bytes) -> LiveSession:
        live = take(changelog, held, key)
        live.last_offset = -1
        return live

    attribute.__dict__["take"] = forgetful


def slow_state() -> None:
    """Nothing is broken: the state is only slow to be written, so that a rebalance meets runs under way."""
    original = RunTable.write

    async def write(self: RunTable, number: int, changes: Any) -> None:
        await asyncio.sleep(SLOW_S)
        await original(self, number, changes)

    RunTable.write = write  # type: ignore[method-assign]


def no_drain() -> None:
    """Partitions are given up with runs under way, whose state is slow to be written."""
    slow_state()

    async def wait_empty(self: RunConsumer) -> None:
        del self

    RunConsumer.wait_empty = wait_empty  # type: ignore[method-assign]


def impatient() -> None:
    """What a broker has not taken within two seconds is given up."""
    original = Publisher.publish

    async def publish(self: Publisher, topic: str, partition: int, records: Any) -> int | None:
        try:
            return await asyncio.wait_for(original(self, topic, partition, records), 2.0)
        except TimeoutError:
            raise PublishFailed(topic, partition, len(records), "two seconds") from None

    Publisher.publish = publish  # type: ignore[method-assign]


def strays_stand() -> None:
    """What a worker that was taken for dead writes to the changelog is left as it is."""

    async def see_nothing(*_: Any) -> list[Any]:
        return []

    RunTable._find_strays = see_nothing  # type: ignore[assignment, method-assign]
    Strays.add = lambda _strays, _key: None  # type: ignore[assignment, method-assign]


def commit_before_delivery() -> None:
    """The offset of a run of events is committed before they are posted."""
    original = Sink._after

    async def after(self: Sink, previous: Any, event: Any) -> None:
        self.app.consumer.ack(event.message)
        await self.app.consumer.commit()
        await original(self, previous, event)

    Sink._after = after  # type: ignore[method-assign]


def no_ledger() -> None:
    """What was delivered before is not looked up."""
    original = Delivery.deliver

    async def deliver(self: Delivery, events: Any, is_delivered: Any, settle: Any, **options: Any) -> None:
        del is_delivered
        await original(self, events, lambda *_: False, settle, **options)

    Delivery.deliver = deliver  # type: ignore[method-assign]


def no_lapse() -> None:
    """A worker that was frozen goes on as if it had been among the others all the time."""
    RunConsumer.lapsed = False  # type: ignore[assignment, method-assign]


def one_try() -> None:
    """A request that failed is not tried again."""
    original = Delivery._attempt

    async def attempt(self: Delivery, request: Any, last: Any) -> tuple[Answer | None, Any]:
        answer, tried = await original(self, request, last)
        if answer is not None and answer.verdict == "retry":
            answer = Answer("delivered", answer.kind, answer.status)
        return answer, tried

    Delivery._attempt = attempt  # type: ignore[method-assign]


def no_lineage() -> None:
    """Nobody asks whether a topic is still the same one."""

    async def look(self: RunTable) -> None:
        del self

    RunTable.look = look  # type: ignore[method-assign]


def no_dead_letters() -> None:
    """What cannot be taken is dropped."""
    original = RunApp.publish

    async def publish(self: RunApp, outputs: Any) -> None:
        await original(self, [output for output in outputs if not output.topic.endswith("dead-letters")])

    RunApp.publish = publish  # type: ignore[method-assign]


def go_on() -> None:
    """What the broker does not take is skipped."""
    original = RunApp.publish_to

    async def publish_to(self: RunApp, topic: str, partition: int, records: Any) -> int | None:
        try:
            return await original(self, topic, partition, records)
        except PublishFailed:
            return None

    RunApp.publish_to = publish_to  # type: ignore[method-assign]


def no_removal() -> None:
    """Sessions that nothing needs any more stay."""

    def sweep(self: TablePartition, committed_next_offset: int) -> list[Record]:
        del self, committed_next_offset
        return []

    TablePartition.sweep = sweep  # type: ignore[method-assign]


def remove_uncommitted() -> None:
    """Sessions go although their last record may be read again."""
    RunTable.committed_next_offset = lambda *_: 1 << 62  # type: ignore[method-assign]


def fences_nobody() -> None:
    """Each process has transactional ids of its own: whoever was taken for dead goes on, or leaves his open."""
    named = transactions.transactional_id
    transactions.__dict__["transactional_id"] = lambda *of: f"{named(*of)}.{os.getpid()}"


def outputs_outside() -> None:
    """Outputs are written before the transaction, not in it."""
    original = ExactlyOnce._commit

    async def commit(self: ExactlyOnce, tp: Any, writes: Sequence[Writes], *rest: Any) -> None:
        for each in writes:
            await self._app.publish(each.outputs)
        await original(self, tp, [Writes((), each.changes) for each in writes], *rest)

    ExactlyOnce._commit = commit  # type: ignore[assignment, method-assign]


def state_outside() -> None:
    """The state is written before the transaction, not in it."""
    original = ExactlyOnce._commit

    async def commit(self: ExactlyOnce, tp: Any, writes: Sequence[Writes], table: Any, next_offset: Any) -> None:
        for each in writes:
            await table.write(tp.partition, each.changes)
        await original(self, tp, writes, None, next_offset)

    ExactlyOnce._commit = commit  # type: ignore[method-assign]


def offset_outside() -> None:
    """The offset is not in the transaction."""
    original = ExactlyOnce._commit

    async def commit(self: ExactlyOnce, tp: Any, writes: Any, table: Any, next_offset: Any) -> None:
        del next_offset
        await original(self, tp, writes, table, None)

    ExactlyOnce._commit = commit  # type: ignore[method-assign]


def store_unused() -> None:
    """What the local store holds is not taken."""
    RocksStore.load = lambda *_: ({}, None)  # type: ignore[method-assign]


def not_recovered() -> None:
    """What the changelog holds is not taken."""

    def pass_over(self: RunTable, run: Run) -> None:
        held = self.partition(run.partition)
        held.changelog_offset = held.looked_offset = run.next_offset - 1
        self.recovered_records += len(run)

    RunTable._apply = pass_over  # type: ignore[method-assign]


GUARDS: Final[dict[str, Callable[[], None]]] = {
    guard.__name__: guard
    for guard in (
        commit_before_acks,
        state_before_outputs,
        no_offset_in_the_state,
        slow_state,
        no_drain,
        strays_stand,
        impatient,
        commit_before_delivery,
        no_ledger,
        no_lapse,
        one_try,
        no_lineage,
        no_dead_letters,
        go_on,
        no_removal,
        remove_uncommitted,
        fences_nobody,
        outputs_outside,
        state_outside,
        offset_outside,
        store_unused,
        not_recovered,
    )
}


def main(arguments: Sequence[str]) -> int:
    """The worker's exit code, if it gets that far."""
    given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    if given.get("guard"):
        GUARDS[given["guard"]]()
    if given.get("at"):
        then = getattr(signal, f"SIG{given['then']}") if given.get("then") else None
        _end_at(given["at"], int(given["after"]), getattr(signal, f"SIG{given['signal']}"), then)
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else None
    return run_worker(load_settings(), only)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
