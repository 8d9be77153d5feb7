"""chat2ga on a real Kafka, in the hands of a scenario: what is fed, who works, what befalls them, how it ended.

Everything asked of Kafka is asked of Kafka itself, not of the workers: one that is
dead, frozen or cut off cannot tell.
"""

import asyncio
import json
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.account import Accounts, accounts_from
from streams.demo.sites import accounts_toml, secret_names
from tests.guarantees.feeding import Feeder, records_of
from tests.guarantees.google import Google
from tests.guarantees.judge import Expected, Verdict, expected, judge
from tests.kafka import KafkaCluster, Record, WorkerProcess, Written, create_topics, end_offsets, produce, read_topic
from tests.kafka.needs import ExistingKafka
from tests.kafka.records import Isolation

__all__ = ["ACCOUNTS", "GROUP", "IN_FLIGHT", "QUICK", "Chat2ga", "Only", "said"]

GROUP: Final = "g"
IN_FLIGHT: Final = 8
FENCED: Final = 1
"""The exit code of a worker that another one has fenced."""
QUICK: Final = {"session_timeout_s": 6, "heartbeat_s": 1, "rebalance_timeout_s": 10, "partitions": 4}
"""A worker that is gone is missed soon."""
PATIENCE_S: Final = 120.0
_LOOK_S: Final = 0.1
_ASK_S: Final = 5.0
_LINES: Final = 15

_SECRET_OF: Final = {tracker: f"secret-of-{tracker.lower()}" for tracker in secret_names()}
_accounts = accounts_from(tomllib.loads(accounts_toml()))
assert isinstance(_accounts, Accounts)
ACCOUNTS: Final = _accounts
"""Those of the sample traffic: every way of being measured."""

Only = Literal["attribute", "deliver"] | None
Part = Literal["translate", "rekey", "attribute", "deliver"]


class Chat2ga:
    """Some workers of one group, each with a directory of its own, on topics of their own."""

    def __init__(
        self,
        kafka: KafkaCluster | ExistingKafka,
        prefix: str,
        directory: Path,
        *,
        google: Google | None = None,
        copies: int = 1,
        **settings: object,
    ) -> None:
        self.kafka, self.prefix, self.directory, self.google = kafka, prefix, directory, google
        self.copies: Final = copies
        self.settings: dict[str, object] = {**QUICK, **settings}
        self.input: Final = f"{prefix}chat-interactions"
        self.workers: dict[str, WorkerProcess] = {}
        self.fenced = 0  # workers that ended because another one has their partitions
        self._made = False
        (directory / "accounts.toml").write_text(accounts_toml(), encoding="utf-8")

    # -- what comes in ------------------------------------------------------------------

    async def feed(self, records: Iterable[Written] | None = None, *, sessions: int = 0, seed: int | str = 0) -> int:
        """Write random sessions, or these records, and wait until Kafka has them; how many records."""
        await self._make_input()
        return await produce(self.kafka.bootstrap, self.input, records or records_of(seed, sessions))

    @asynccontextmanager
    async def feeding(
        self, records: Iterable[Written] | None = None, *, sessions: int = 0, seed: int | str = 0, per_s: float = 500.0
    ) -> AsyncIterator[Feeder]:
        """Write them at a pace while this lasts; `await feeder.finished()` for the rest."""
        await self._make_input()
        async with Feeder(
            self.kafka.bootstrap, self.input, records or records_of(seed, sessions), per_s=per_s
        ) as feeder:
            yield feeder

    async def _make_input(self) -> None:
        if not self._made:
            large = {"max.message.bytes": "8388608"}
            await create_topics(
                self.kafka.bootstrap,
                self.input,
                partitions=int(str(self.settings["partitions"])),
                replication=self.copies,
                config=large,
            )
            self._made = True

    # -- who works, and what befalls them --------------------------------------------------

    def start(
        self, name: str, only: Only = "attribute", *, program: Sequence[str] = (), **settings: object
    ) -> WorkerProcess:
        """Start a worker; one that had this name before leaves it its state. `program`: in place of `chat2ga`."""
        given = {
            "topic_prefix": self.prefix,
            "group": GROUP,
            "replication_factor": self.copies,
            "accounts": self.directory / "accounts.toml",
            "ga_endpoint": self.google.url if self.google else None,
            "ga_in_flight": IN_FLIGHT,
            **self.settings,
            **settings,
        }
        secrets = {variable: _SECRET_OF[tracker] for tracker, variable in secret_names().items()}
        worker = WorkerProcess(
            self.kafka.url, self.directory / name, only=only, program=program, environment=secrets, first=None, **given
        )
        self.workers[name] = worker.start()
        return worker

    async def at_work(self, *names: str) -> None:
        """Wait until these workers are ready, or all of them."""
        await asyncio.gather(*[self.workers[name].ready(PATIENCE_S) for name in names or self.workers])

    def kill(self, name: str) -> None:
        """SIGKILL: gone without a word."""
        self.workers.pop(name).kill()

    def freeze(self, name: str) -> None:
        """SIGSTOP: it stands still in the middle of whatever it was doing."""
        self.workers[name].process.freeze()

    def wake(self, name: str) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        self.workers[name].process.wake()

    async def ended(self, name: str, timeout_s: float = PATIENCE_S) -> int:
        """Wait for a worker to end by itself; the exit code, negative for a signal."""
        code = await asyncio.to_thread(self.workers[name].process.wait, timeout_s)
        del self.workers[name]
        return code

    async def frozen(self, name: str) -> None:
        """Wait for a worker to freeze itself."""
        process = self.workers[name].process

        async def stopped() -> bool:
            return process.frozen

        await self.until(stopped, f"worker {name} is not frozen")

    async def stop(self, name: str) -> tuple[int, float]:
        """SIGTERM, and wait for its end: the exit code, and the seconds that it took."""
        began = time.monotonic()
        code = await asyncio.to_thread(self.workers.pop(name).terminate)
        return code, time.monotonic() - began

    async def stop_all(self) -> dict[str, int]:
        """SIGTERM to all at once; the exit codes."""
        names = list(self.workers)
        stops = await asyncio.gather(*[self.stop(name) for name in names])
        return {name: code for name, (code, _) in zip(names, stops, strict=True)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave no worker behind, however the scenario ended."""
        for worker in self.workers.values():
            worker.kill()
        self.workers.clear()

    def check_alive(self) -> None:
        """Raise RuntimeError where a worker has ended that nobody has ended.

        One that was fenced ends by itself, as it must, and is started again as any
        orchestrator would.
        """
        for name, worker in list(self.workers.items()):
            code = worker.process.exit_code
            if code == FENCED and "fenced: another worker uses" in "".join(said(worker)[-1:]):
                self.fenced += 1
                worker.start()
            elif code is not None:
                raise RuntimeError(f"worker {name} ended with {code}\n{self.logs()}")

    def logs(self) -> str:
        """The last words of every worker."""
        return "\n".join(f"--- {name}\n{worker.process.tail(_LINES)}" for name, worker in self.workers.items())

    async def metric(self, name: str, metric: str) -> float:
        """A metric of a worker, summed over its labels."""
        text = await self.workers[name].get("/metrics")
        return sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line.startswith((f"{metric} ", f"{metric}{{"))
        )

    # -- how far it is -------------------------------------------------------------------------

    def _reads(self, part: Part) -> tuple[str, str]:
        """Consumer group and topic of a part."""
        keyed = f"{self.prefix}chat-interactions-keyed" if self.settings.get("rekey") else self.input
        source = self.settings.get("sources")  # one of them
        return {
            "translate": (f"{GROUP}-translate-{source}", f"{self.prefix}chat-source-{source}"),
            "rekey": (f"{GROUP}-rekey", self.input),
            "attribute": (GROUP, keyed),
            "deliver": (f"{GROUP}-deliver", f"{self.prefix}ga-events"),
        }[part]

    async def committed(self, part: Part = "attribute") -> dict[int, int]:
        """By partition, the offset behind which a part reads nothing again, as Kafka has it."""
        group, topic = self._reads(part)
        client = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap, request_timeout_ms=round(_ASK_S * 1000))
        try:
            await client.start()
            offsets = await client.list_consumer_group_offsets(group)
        finally:
            await client.close()
        return {at.partition: found.offset for at, found in offsets.items() if at.topic == topic}

    async def progressed(self, records: int, part: Part = "attribute") -> None:
        """Wait until a part has committed so many records: a fault is to meet work under way."""

        async def so_many() -> bool:
            return sum((await self.committed(part)).values()) >= records

        await self.until(so_many, f"{part} has not committed {records} records")

    async def caught_up(self, *parts: Part, timeout_s: float = PATIENCE_S) -> None:
        """Wait until each part has committed all of its input, in the order in which they feed each other.

        Without parts: those there are, `deliver` where there is a collector.
        """
        all_of_them: dict[Part, object] = {
            "translate": self.settings.get("sources"),
            "rekey": self.settings.get("rekey"),
            "attribute": True,
            "deliver": self.google,
        }
        for part in parts or [part for part, is_there in all_of_them.items() if is_there]:
            topic = self._reads(part)[1]
            fed = topic == self.input and not self.settings.get("sources")
            of_transactions = self.exactly_once and part != "translate" and not fed

            async def nothing_left(part: Part = part, topic: str = topic, *, behind: bool = of_transactions) -> bool:
                committed = await self.committed(part)
                if behind:  # the last offset is a marker's, which is delivered to nobody
                    ends = {record.partition: record.offset + 1 for record in await self.read(topic)}
                else:
                    ends = await end_offsets(self.kafka.bootstrap, topic)
                return all(committed.get(partition, 0) >= offset for partition, offset in ends.items())

            await self.until(nothing_left, f"{part} has not committed all of its input", timeout_s)

    async def until(self, holds: Callable[[], Awaitable[bool]], otherwise: str, timeout_s: float = PATIENCE_S) -> float:
        """Wait until it holds, asking again where Kafka does not answer; how long it took. Raises TimeoutError."""
        began = time.monotonic()
        while True:
            self.check_alive()
            with suppress(KafkaError, OSError, TimeoutError):  # a broker that is away cannot tell: that is no answer
                if await asyncio.wait_for(holds(), _ASK_S):
                    return time.monotonic() - began
            if time.monotonic() - began > timeout_s:
                raise TimeoutError(f"{otherwise} after {timeout_s:g} s\n{await self._standing()}\n{self.logs()}")
            await asyncio.sleep(_LOOK_S)

    async def _standing(self) -> str:
        """Where it stands still, as far as Kafka can tell."""
        try:
            ends = await end_offsets(self.kafka.bootstrap, self.input)
            return (
                f"input ends at {ends}; committed {await self.committed()}, delivered {await self.committed('deliver')}"
            )
        except (KafkaError, OSError, RuntimeError) as error:
            return repr(error)

    async def joining(self, part: Part) -> None:
        """Wait until somebody asks to join a part's group, and its members are yet to hear of it."""
        group = self._reads(part)[0]
        client = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap, request_timeout_ms=round(_ASK_S * 1000))
        await client.start()
        try:

            async def rebalancing() -> bool:
                (answer,) = await client.describe_consumer_groups([group])
                return any(state == "PreparingRebalance" for _, _, state, *_ in answer.groups)

            await self.until(rebalancing, f"nobody joins {group}")
        finally:
            await client.close()

    async def published(self, records: int, topic: str = "ga-events") -> None:
        """Wait until a topic holds so many records, committed or not."""

        async def so_many() -> bool:
            with suppress(RuntimeError):  # it is yet to be created
                return sum((await end_offsets(self.kafka.bootstrap, f"{self.prefix}{topic}")).values()) >= records
            return False

        await self.until(so_many, f"{topic} does not hold {records} records")

    # -- how it ended ------------------------------------------------------------------------------

    async def fed(self) -> list[Record]:
        """The input as it lies in Kafka."""
        return await read_topic(self.kafka.bootstrap, self.input)

    async def expected(self, **options: Any) -> Expected:
        """What the core makes of the input."""
        records = await self.fed()
        return await asyncio.to_thread(expected, records, accounts=ACCOUNTS, **options)

    @property
    def exactly_once(self) -> bool:
        """Whether the workers promise it: then what counts is what a reader of committed records finds."""
        return self.settings.get("processing_guarantee") == "exactly_once"

    @property
    def isolation(self) -> Isolation:
        """How the topics are read."""
        return "read_committed" if self.exactly_once else "read_uncommitted"

    async def read(self, topic: str) -> list[Record]:
        """A topic's records, as those read them who trust the guarantee."""
        return await read_topic(self.kafka.bootstrap, topic, isolation=self.isolation)

    async def verdict(self, want: Expected | None = None) -> Verdict:
        """What Kafka and the collector hold now, judged."""
        want = want or await self.expected()
        return await judge(self.kafka.bootstrap, self.prefix, GROUP, want, self.google, isolation=self.isolation)


def said(worker: WorkerProcess) -> list[str]:
    """The errors that a worker told of as it ended; Faust tells of each of its services beside that."""
    lines = [json.loads(line) for line in worker.process.text().splitlines() if '"level":"error"' in line]
    return [line["message"] for line in lines if line["logger"].startswith("streams.worker")]


def secrets() -> Mapping[str, str]:
    """What the collector wants of each tracker."""
    return _SECRET_OF
