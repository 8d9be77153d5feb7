"""What can go wrong with runs of records. Each stops the app: nothing is skipped.

Plain arguments, so that an error survives pickling; the text says place and remedy.
"""

__all__ = [
    "CannotDrain",
    "ChangelogDamaged",
    "ChangelogRecreated",
    "Fenced",
    "InputRecreated",
    "PartitionsDiffer",
    "PublishFailed",
    "RunsError",
    "StoreInUse",
    "StoreUnwritable",
    "TopicRecreated",
    "TransactionFailed",
    "TransactionsUnavailable",
    "Unanswered",
]


class RunsError(Exception):
    """Base of all errors of this package."""


class PublishFailed(RunsError):
    """The broker did not take an output or a changelog record: the run's offset is not committed."""

    def __init__(self, topic: str, partition: int, records: int, reason: str) -> None:
        super().__init__(topic, partition, records, reason)
        self.topic, self.partition, self.records, self.reason = topic, partition, records, reason

    def __str__(self) -> str:
        return (
            f"{self.topic}[{self.partition}]: {self.records} records could not be written: {self.reason}. "
            "Nothing is lost: their input is not committed. Mend the topic (it exists? max.message.bytes? "
            "permission?), then start again."
        )


class ChangelogDamaged(RunsError):
    """A changelog record that no version of the table has written."""

    def __init__(self, topic: str, partition: int, offset: int, reason: str) -> None:
        super().__init__(topic, partition, offset, reason)
        self.topic, self.partition, self.offset, self.reason = topic, partition, offset, reason

    def __str__(self) -> str:
        return (
            f"{self.topic}[{self.partition}] offset {self.offset}: this changelog record cannot be read: "
            f"{self.reason}. "
            "It was written by something else, or by a newer version: do not go on without it; "
            "start that version, or remove the record with a tombstone of its key."
        )


class InputRecreated(RunsError):
    """The state or the group has seen offsets that the input does not have: the topic was deleted and made again."""

    def __init__(self, topic: str, partition: int, last_offset: int, end_offset: int) -> None:
        super().__init__(topic, partition, last_offset, end_offset)
        self.topic, self.partition, self.last_offset, self.end_offset = topic, partition, last_offset, end_offset

    def __str__(self) -> str:
        return (
            f"{self.topic}[{self.partition}]: offset {self.last_offset} was seen, but the topic ends at "
            f"{self.end_offset}: it was recreated or cut off. Its new records would be taken for seen ones and "
            "skipped. Use another consumer group, or delete the group's changelog topics and its local store, "
            "to start from an empty state."
        )


class TopicRecreated(RunsError):
    """The input is another topic of the same name: the state's offsets mean nothing in it."""

    def __init__(self, topic: str, partition: int, was: str, now: str, changelog: str) -> None:
        super().__init__(topic, partition, was, now, changelog)
        self.topic, self.partition, self.was, self.now, self.changelog = topic, partition, was, now, changelog

    def __str__(self) -> str:
        return (
            f"{self.topic}[{self.partition}]: the table stems from the topic with the id {self.was}, and this one has "
            f"{self.now}: it was deleted and made again. Its records would be taken for seen ones and skipped. "
            f"Use another consumer group, or delete {self.changelog} and the local store, to start from an empty state."
        )


class ChangelogRecreated(RunsError):
    """The changelog is not the one that was written: its state is gone."""

    def __init__(self, changelog: str, partition: int, reason: str) -> None:
        super().__init__(changelog, partition, reason)
        self.changelog, self.partition, self.reason = changelog, partition, reason

    def __str__(self) -> str:
        return (
            f"{self.changelog}[{self.partition}]: this changelog was deleted and made again: {self.reason}. The state "
            "that it held would be forgotten in silence. Restore the topic, or use another consumer group to start "
            "from the beginning of the input; to go on with an empty state, delete the group's committed offsets "
            "and the local store."
        )


class PartitionsDiffer(RunsError):
    """A changelog must have as many partitions as the topic whose state it keeps."""

    def __init__(self, topic: str, partitions: int, changelog: str, changelog_partitions: int) -> None:
        super().__init__(topic, partitions, changelog, changelog_partitions)
        self.topic, self.partitions = topic, partitions
        self.changelog, self.changelog_partitions = changelog, changelog_partitions

    def __str__(self) -> str:
        return (
            f"{self.topic} has {self.partitions} partitions and its changelog {self.changelog} has "
            f"{self.changelog_partitions}: keys would meet another partition's state. Give the topic its former number "
            "of partitions in a new topic, or use another consumer group to start from an empty state."
        )


class StoreInUse(RunsError):
    """The local store of a partition is open elsewhere, or cannot be opened."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return (
            f"{self.path}: the local store cannot be opened: {self.reason}. "
            "Each worker needs a state directory of its own that it may write."
        )


class StoreUnwritable(RunsError):
    """The local store of a partition does not take what the changelog holds."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return (
            f"{self.path}: the local store cannot be written: {self.reason}. Nothing is lost: the changelog has it. "
            "Make room on its disk, then start again; a store that is damaged can be deleted: it is read from the "
            "changelog again."
        )


class CannotDrain(RunsError):
    """Runs that were begun did not finish in time for a rebalance or a stop."""

    def __init__(self, runs: int, seconds: float) -> None:
        super().__init__(runs, seconds)
        self.runs, self.seconds = runs, seconds

    def __str__(self) -> str:
        return (
            f"{self.runs} runs of records did not finish within {self.seconds:g} s: the broker does not answer. "
            "Nothing is lost: they are not committed and will be read again."
        )


class TransactionsUnavailable(RunsError):
    """The broker gives no transactions: it has none, not to us, or not now."""

    def __init__(self, transactional_id: str, reason: str) -> None:
        super().__init__(transactional_id, reason)
        self.transactional_id, self.reason = transactional_id, reason

    def __str__(self) -> str:
        return (
            f"no transactions for the transactional id {self.transactional_id}: {self.reason}. Nothing was read. "
            "Exactly once needs a broker that has transactions (Apache Kafka has), enough brokers for its transaction "
            "log (transaction.state.log.min.isr), and the right to write under this id. Or process at least once."
        )


class TransactionFailed(RunsError):
    """A transaction was not committed, as far as is known: what was computed for it must not be used."""

    def __init__(self, topic: str, partition: int, transactional_id: str, reason: str) -> None:
        super().__init__(topic, partition, transactional_id, reason)
        self.topic, self.partition = topic, partition
        self.transactional_id, self.reason = transactional_id, reason

    def __str__(self) -> str:
        return (
            f"{self.topic}[{self.partition}]: the transaction of {self.transactional_id} was not committed: "
            f"{self.reason}. Nothing is lost and nothing is doubled: start again, and what was not committed is read "
            "again."
        )


class Fenced(RunsError):
    """Another worker has the partition now: this one may write nothing for it any more."""

    def __init__(self, topic: str, partition: int, transactional_id: str) -> None:
        super().__init__(topic, partition, transactional_id)
        self.topic, self.partition, self.transactional_id = topic, partition, transactional_id

    def __str__(self) -> str:
        return (
            f"{self.topic}[{self.partition}]: fenced: another worker uses {self.transactional_id}, or the broker has "
            "ended a transaction that took too long. This worker was out of reach and taken for dead; what it had "
            "under way is not published and is done elsewhere. Start it again: it joins as a new one."
        )


class Unanswered(RunsError):
    """The brokers refuse to tell something without which no table is recovered and no input read."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what, self.reason = what, reason

    def __str__(self) -> str:
        return (
            f"no broker tells {self.what}: {self.reason}. Nothing was read. Mend the topic or the permissions (may "
            "this user describe and read the topics and the group?), then start again."
        )
