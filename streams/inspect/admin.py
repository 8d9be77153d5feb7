"""What an operator asks of the broker: are the topics right, what lies in the dead letters, put them back.

For the command line. Reads the dead letters without a consumer group, so that
looking moves no offset; writes nothing but what is requeued.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final, Literal

import msgspec
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.catalog import LARGEST_MESSAGE_BYTES, Topic
from schemas.dead_letter import DeadLetter, decode_dead_letter
from streams.errors import Chat2gaError, Fault
from streams.inspect.reading import reaching, to_the_end
from streams.settings import Settings
from streams.worker.broker import client_options
from streams.worker.topics import TopicNames

__all__ = [
    "CannotRequeue",
    "Finding",
    "Kept",
    "Requeue",
    "broker_findings",
    "dead_letters",
    "requeuing",
]


class CannotRequeue(Chat2gaError):
    """A dead letter that cannot be put back."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, partition: int, offset: int, reason: str) -> None:
        super().__init__(partition, offset, reason)
        self.partition, self.offset, self.reason = partition, offset, reason

    def __str__(self) -> str:
        return f"dead letter {self.partition}:{self.offset}: {self.reason}"


# -- the topics ------------------------------------------------------------------------


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. A `note` is no fault: the worker sees to it."""

    kind: Literal["good", "note", "fault"]
    what: str
    says: str


async def broker_findings(settings: Settings) -> list[Finding]:
    """Whether the topics are as the catalogue wants them. Raises BrokerUnreachable."""
    names = TopicNames(settings)
    catalogue = names.catalogued(settings)
    admin = AIOKafkaAdminClient(**client_options(settings))
    async with reaching(settings, admin):
        there = set(await admin.list_topics())
        present = [name for name in catalogue if name in there]  # asking for one that is missing may create it
        described = await admin.describe_topics(present) if present else []
        partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
        leaderless = {
            topic["topic"]: [part["partition"] for part in topic["partitions"] if part["leader"] < 0]
            for topic in described
        }
        configs = await _configs(admin, present)
    findings = [Finding("good", "broker", f"{settings.broker} answers")]
    for name, topic in catalogue.items():
        if name not in partitions:
            findings.append(_missing(settings, name))
            continue
        faults = [*_config_faults(name, topic, configs[name])]
        if leaderless[name]:
            faults.append(
                f"partitions {leaderless[name]} have no leader: a broker is down, or fewer are left than they need"
            )
        findings += [Finding("fault", name, fault) for fault in faults]
        if not faults:
            findings.append(Finding("good", name, f"{partitions[name]} partitions"))
    findings += _uneven(names, partitions)
    return findings


def _missing(settings: Settings, name: str) -> Finding:
    if settings.topics_create:
        return Finding("note", name, "missing; the worker creates it when it starts")
    return Finding(
        "fault",
        name,
        "missing, and CHAT2GA_TOPICS_CREATE is off: create it as `chat2ga schema show asyncapi` lists it, or set it",
    )


def _config_faults(name: str, topic: Topic, config: Mapping[str, str]) -> list[str]:
    faults = []
    policy = config.get("cleanup.policy", "")
    if topic.cleanup_policy not in policy.split(","):
        lost = "state is lost after the retention" if topic.cleanup_policy == "compact" else "old records stay for good"
        faults.append(
            f"cleanup.policy is {policy!r}, so {lost}: kafka-configs.sh --alter --topic {name} "
            f"--add-config cleanup.policy={topic.cleanup_policy}"
        )
    limit = config.get("max.message.bytes", "")
    if limit.isdecimal() and int(limit) < topic.max_message_bytes:
        faults.append(
            f"max.message.bytes is {limit}, so a large record would stop the worker: kafka-configs.sh --alter "
            f"--topic {name} --add-config max.message.bytes={topic.max_message_bytes}"
        )
    return faults


def _uneven(names: TopicNames, partitions: Mapping[str, int]) -> list[Finding]:
    """Changelogs whose partitions are not those of the topic whose state they keep."""
    pairs = ((names.input, names.sessions_changelog), (names.events, names.ledger_changelog))
    return [
        Finding(
            "fault",
            changelog,
            f"{partitions[changelog]} partitions, but {source} has {partitions[source]}: state would be looked for "
            "where it is not. Give both the same number; see the README on changing partitions.",
        )
        for source, changelog in pairs
        if source in partitions and changelog in partitions and partitions[source] != partitions[changelog]
    ]


async def _configs(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The settings of topics, by topic."""
    if not names:
        return {}
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        name: {entry[0]: entry[1] or "" for entry in entries}
        for response in responses
        for _, _, _, name, entries in response.resources
    }


# -- the dead letters ----------------------------------------------------------------------


class Kept(msgspec.Struct, frozen=True):
    """A record of the dead-letters topic, where it lies; `letter` is None where somebody else wrote it."""

    partition: int
    offset: int
    timestamp_ms: int
    letter: DeadLetter | None


async def dead_letters(
    settings: Settings, *, since_ms: int | None = None, at: tuple[int, int] | None = None
) -> AsyncGenerator[Kept]:
    """The dead letters there are now, each partition in its order; or the one at (partition, offset).

    Raises BrokerUnreachable and NoTopic.
    """
    topic = TopicNames(settings).dead_letters
    async with aclosing(to_the_end(settings, topic, since_ms=since_ms, at=at)) as records:
        async for record in records:
            yield _kept(record)


def _kept(record: "ConsumerRecord[bytes, bytes]") -> Kept:
    try:
        letter = decode_dead_letter(record.value or b"")
    except (msgspec.MsgspecError, UnicodeError):
        letter = None
    return Kept(record.partition, record.offset, record.timestamp, letter)


# -- putting back ------------------------------------------------------------------------


class Requeue:
    """Puts dead letters back where they came from: the same bytes, key and partition."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._producer: Final = producer
        names = TopicNames(settings)
        self._takes: Final = {names.interactions, names.keyed, names.events, *names.sources.values()}

    def check(self, kept: Kept) -> DeadLetter:
        """The letter. Raises CannotRequeue where its record is not whole, or its topic is none of ours."""
        letter = kept.letter
        if letter is None:
            raise CannotRequeue(kept.partition, kept.offset, "this record is no dead letter of chat2ga's")
        if letter.truncated:
            raise CannotRequeue(
                kept.partition,
                kept.offset,
                f"only the head of its {letter.size:,} bytes was kept. The record itself lies at "
                f"{letter.topic}[{letter.partition}] offset {letter.offset}, as long as that topic keeps it.",
            )
        if letter.key is None and letter.value is None:
            raise CannotRequeue(kept.partition, kept.offset, "its record has neither key nor value: there is nothing")
        if letter.topic not in self._takes:
            raise CannotRequeue(
                kept.partition,
                kept.offset,
                f"it came from {letter.topic}, which is not read under these settings (CHAT2GA_TOPIC_PREFIX, "
                "CHAT2GA_SOURCES)",
            )
        return letter

    async def put_back(self, letter: DeadLetter) -> None:
        """Write it, and wait until the broker has it."""
        numbers = await self._producer.partitions_for(letter.topic)
        partition = letter.partition if letter.partition in numbers else None
        await self._producer.send_and_wait(letter.topic, letter.value, key=letter.key, partition=partition)


@asynccontextmanager
async def requeuing(settings: Settings) -> AsyncIterator[Requeue]:
    """To put dead letters back with. Raises BrokerUnreachable."""
    producer = AIOKafkaProducer(
        **client_options(settings),
        enable_idempotence=settings.idempotence,
        acks="all",
        max_request_size=LARGEST_MESSAGE_BYTES,
    )
    async with reaching(settings, producer):
        yield Requeue(settings, producer)
