"""The topics a worker needs: their names here, their partitions, and that they exist.

Created from the catalogue, never by use: a topic made by the first record to it
has the broker's defaults, which lose a changelog's keys after a week.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.catalog import Topic, topic_named
from streams.errors import Chat2gaError, Fault
from streams.runs.errors import PartitionsDiffer
from streams.settings import Settings
from streams.worker.broker import client_options

__all__ = ["ChangelogUneven", "TopicNames", "Topics", "TopicsMissing", "ensure_input", "ensure_topics"]

logger: Final = logging.getLogger(__name__)
_READY_S: Final = 30.0


class TopicsMissing(Chat2gaError):
    """Topics that are not there and could not be created."""

    fault, retriable = Fault.OPERATOR, True

    def __init__(self, topics: tuple[str, ...], reason: str) -> None:
        super().__init__(topics, reason)
        self.topics, self.reason = topics, reason

    def __str__(self) -> str:
        return (
            f"missing topics: {', '.join(self.topics)}: {self.reason}. Create them as `chat2ga schema export` lists "
            "them, or let a user do it who may (CHAT2GA_TOPICS_CREATE=true)."
        )


class ChangelogUneven(Chat2gaError):
    """A changelog with other partitions than the topic whose state it keeps: found before anything is read."""

    fault, retriable = Fault.OPERATOR, False

    def __init__(self, topic: str, partitions: int, changelog: str, changelog_partitions: int) -> None:
        super().__init__(topic, partitions, changelog, changelog_partitions)
        self.differ = PartitionsDiffer(topic, partitions, changelog, changelog_partitions)

    def __str__(self) -> str:
        return str(self.differ)


class TopicNames:
    """Every topic by the name it has here: with the prefix, and the changelogs with the group."""

    def __init__(self, settings: Settings) -> None:
        self.interactions: Final = settings.topic("chat-interactions")
        self.keyed: Final = settings.topic("chat-interactions-keyed")
        self.events: Final = settings.topic("ga-events")
        self.receipts: Final = settings.topic("ga-receipts")
        self.dead_letters: Final = settings.topic("dead-letters")
        self.sessions_changelog: Final = settings.topic(f"{settings.group}-sessions-changelog")
        self.ledger_changelog: Final = settings.topic(f"{settings.group}-ledger-changelog")
        self.input: Final = self.keyed if settings.rekey else self.interactions
        """What `attribute` reads."""
        self.sources: Final = {name: settings.topic(f"chat-source-{name}") for name in settings.source_formats}
        """By format, what `translate` reads."""

    def catalogued(self, settings: Settings) -> dict[str, Topic]:
        """The catalogue's entry of each topic that these settings need, by its name here."""
        needed = {
            self.interactions: "chat-interactions",
            self.events: "ga-events",
            self.receipts: "ga-receipts",
            self.dead_letters: "dead-letters",
            self.sessions_changelog: "<group>-sessions-changelog",
            self.ledger_changelog: "<group>-ledger-changelog",
        }
        if settings.rekey:
            needed[self.keyed] = "chat-interactions-keyed"
        needed |= dict.fromkeys(self.sources.values(), "chat-source-<format>")
        return {here: topic_named(name) for here, name in needed.items()}


class Topics(TopicNames):
    """The topics, with the partitions they really have."""

    def __init__(self, settings: Settings, partitions: Mapping[str, int]) -> None:
        super().__init__(settings)
        self.input_partitions: Final = partitions[self.input]
        self.interactions_partitions: Final = partitions[self.interactions]
        self.source_partitions: Final = {name: partitions[topic] for name, topic in self.sources.items()}
        self.keyed_partitions: Final = partitions.get(self.keyed, 0)
        self.events_partitions: Final = partitions[self.events]
        self._receipts: Final = partitions[self.receipts]
        self._dead_letters: Final = partitions[self.dead_letters]

    # A session's records stay in one partition and in their order, also where a topic has fewer.

    def events_partition(self, input_partition: int) -> int:
        """Where the events of an input partition go."""
        return input_partition % self.events_partitions

    def receipts_partition(self, events_partition: int) -> int:
        """Where the receipts of a partition of `ga-events` go."""
        return events_partition % self._receipts

    def dead_letters_partition(self, partition: int) -> int:
        """Where the dead letters of a partition go."""
        return partition % self._dead_letters


async def ensure_topics(settings: Settings) -> Topics:
    """All topics that these settings need, created where they are missing.

    A changelog gets as many partitions as the topic whose state it keeps.
    Raises TopicsMissing, ChangelogUneven, and KafkaError where the broker fails.
    """
    names = TopicNames(settings)
    partitions = await _ensure(settings, names, names.catalogued(settings))
    _check_changelogs(names, partitions)
    return Topics(settings, partitions)


async def ensure_input(settings: Settings) -> str:
    """The topic of interactions, created where it is missing: whoever only writes there needs no other.

    Raises TopicsMissing, and KafkaError where the broker fails.
    """
    names = TopicNames(settings)
    await _ensure(settings, names, {names.interactions: names.catalogued(settings)[names.interactions]})
    return names.interactions


async def _ensure(settings: Settings, names: TopicNames, catalogue: Mapping[str, Topic]) -> dict[str, int]:
    """The partitions of these topics, which are there now."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        partitions = await _partitions(admin, list(catalogue))
        wanted = _wanted(settings, names, catalogue, partitions)
        if wanted:
            await _create(admin, settings, wanted)
            partitions = await _until_there(admin, list(catalogue))
    finally:
        await admin.close()
    return partitions


def _wanted(
    settings: Settings, names: TopicNames, catalogue: Mapping[str, Topic], partitions: Mapping[str, int]
) -> list[NewTopic]:
    """What is missing, as it is to be created."""
    followed = {names.sessions_changelog: names.input, names.ledger_changelog: names.events}
    return [
        NewTopic(
            name=name,
            num_partitions=partitions.get(followed.get(name, name), settings.partitions),
            replication_factor=settings.replication_factor,
            topic_configs=topic.configs(),
        )
        for name, topic in catalogue.items()
        if name not in partitions
    ]


async def _create(admin: AIOKafkaAdminClient, settings: Settings, wanted: Sequence[NewTopic]) -> None:
    names = tuple(topic.name for topic in wanted)
    if not settings.topics_create:
        raise TopicsMissing(names, "CHAT2GA_TOPICS_CREATE is off")
    try:
        response = await admin.create_topics(list(wanted))
    except KafkaError as error:
        raise TopicsMissing(names, str(error)) from error
    for name, code, *_ in response.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:  # another worker was quicker
            raise TopicsMissing((name,), for_code(code).__name__)
    logger.info("created topics: %s", ", ".join(names))


async def _partitions(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """The number of partitions of each topic that exists."""
    present = set(await admin.list_topics())
    described = await admin.describe_topics([name for name in names if name in present]) if present else []
    return {topic["topic"]: len(topic["partitions"]) for topic in described if topic["error_code"] == 0}


async def _until_there(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """A topic that was created a moment ago is not known to every broker at once."""
    deadline = asyncio.get_running_loop().time() + _READY_S
    while True:
        partitions = await _partitions(admin, names)
        missing = tuple(name for name in names if not partitions.get(name))
        if not missing:
            return partitions
        if asyncio.get_running_loop().time() > deadline:
            raise TopicsMissing(missing, f"created, but not there after {_READY_S:g} s")
        await asyncio.sleep(0.1)


def _check_changelogs(names: TopicNames, partitions: Mapping[str, int]) -> None:
    for source, changelog in ((names.input, names.sessions_changelog), (names.events, names.ledger_changelog)):
        if partitions[source] != partitions[changelog]:
            raise ChangelogUneven(source, partitions[source], changelog, partitions[changelog])
