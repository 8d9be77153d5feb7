"""The topic catalogue: every topic, what is in it, how it is kept, who writes and who reads it (CONTRACT §5).

Topics are created from it; the AsyncAPI document and the table of topics are
generated from it. A name is that of the contract: here and there it gets the
prefix before it, a changelog the consumer group's name for `<group>`, and a
topic of another format that format's name for `<format>`.
"""

from typing import Any, Final, Literal

import msgspec

from schemas.dead_letter import DeadLetter
from schemas.decoding import MAX_RECORD_BYTES
from schemas.ga_event import GaEvent
from schemas.interaction import Interaction
from schemas.receipt import Receipt
from schemas.session import Session

__all__ = ["LARGEST_MESSAGE_BYTES", "PARTIES", "PARTITIONS", "TOPICS", "Party", "Topic", "topic_named"]

Party = Literal[
    "sender", "ingest", "translate", "rekey", "attribute", "deliver", "dead-letters", "receipts", "consumers"
]

PARTIES: Final[dict[Party, str]] = {
    "sender": "whatever takes the chat box's interactions to Kafka",
    "ingest": "`chat2ga ingest`: takes webhooks and interactions over HTTP",
    "translate": "the agent in front of records of other formats, with `SOURCES`",
    "rekey": "the re-keying agent, with `REKEY`",
    "attribute": "the agent that attributes",
    "deliver": "the agent that posts to Google Analytics",
    "dead-letters": "`chat2ga dead-letters`: lists, shows and requeues",
    "receipts": "`chat2ga receipts`: adds up and lists",
    "consumers": "whoever wants the derived data",
}
"""Who writes and reads; the agents are named as `chat2ga worker --only` names them."""

PARTITIONS: Final = 4
"""Of a topic that chat2ga creates, unless `PARTITIONS` is set."""

_DAY_MS: Final = 86_400_000
_MIB: Final = 1_048_576
_AROUND: Final = 65_536
"""For a record's key and headers and the batch around it."""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One topic. `retention_ms` is None where compaction keeps the last record of each key."""

    name: str
    what: str
    key: str
    schema: Any  # of a record's value: a struct, or a union of them; None: none of ours
    encoding: Literal["json", "foreign", "entry"] = "json"
    """`foreign`: JSON of another chat system; `entry`: a table's record (streams/runs/entry.py), its payload
    MessagePack."""
    partitions: int = PARTITIONS
    partitions_of: str | None = None
    """The topic whose partitions it has, always; with `REKEY`, the re-keyed one in place of the input."""
    cleanup_policy: Literal["delete", "compact"] = "delete"
    retention_ms: int | None
    max_message_bytes: int
    producers: tuple[Party, ...]
    consumers: tuple[Party, ...]
    only_with_rekey: bool = False
    only_with_sources: bool = False

    def configs(self) -> dict[str, str]:
        """Kafka's settings of the topic, as a broker takes them."""
        kept = {} if self.retention_ms is None else {"retention.ms": str(self.retention_ms)}
        return {
            "cleanup.policy": self.cleanup_policy,
            "max.message.bytes": str(self.max_message_bytes),
            **kept,
        }


_SESSION_KEY: Final = "the session key: `<account_id>/s/<session_id>`, without one `<account_id>/v/<visitor_id>`"

TOPICS: Final[tuple[Topic, ...]] = (
    Topic(
        name="chat-source-<format>",
        what="Records of another chat system, as it makes them. Only with `SOURCES`, one for each of them.",
        key="any; what is to keep its order must lie in one partition",
        schema=None,
        encoding="foreign",
        retention_ms=7 * _DAY_MS,
        max_message_bytes=8 * _MIB,  # as chat-interactions
        producers=("sender", "dead-letters"),
        consumers=("translate",),
        only_with_sources=True,
    ),
    Topic(
        name="chat-interactions",
        what="Raw interactions, as the chat box reports them.",
        key=f"{_SESSION_KEY}; any key with `REKEY`",
        schema=Interaction,
        retention_ms=7 * _DAY_MS,
        # More than a record may have: so a record that is too large becomes a dead letter that everybody can see,
        # and not an error in a sender's log that nobody reads.
        max_message_bytes=8 * _MIB,
        producers=("sender", "ingest", "translate", "dead-letters"),
        consumers=("attribute", "rekey"),
    ),
    Topic(
        name="chat-interactions-keyed",
        what="The same records byte for byte, under their session's key. Only with `REKEY`.",
        key=_SESSION_KEY,
        schema=Interaction,
        retention_ms=7 * _DAY_MS,
        max_message_bytes=MAX_RECORD_BYTES + _AROUND,
        producers=("rekey", "dead-letters"),
        consumers=("attribute",),
        only_with_rekey=True,
    ),
    Topic(
        name="ga-events",
        what="GA events: deduplicated and attributed, one JSON object each.",
        key=_SESSION_KEY,
        schema=GaEvent,
        # Longer than the 72 h for which GA takes an event: what lies here can still be delivered.
        retention_ms=7 * _DAY_MS,
        # An event joins texts of several records: the page, the user agent, the automation's name, the label.
        max_message_bytes=4 * _MIB,
        producers=("attribute", "dead-letters"),
        consumers=("deliver", "consumers"),
    ),
    Topic(
        name="ga-receipts",
        what="What became of each event at each of its trackers.",
        key="the event's session key",
        schema=Receipt,
        retention_ms=30 * _DAY_MS,
        max_message_bytes=_MIB,
        producers=("deliver",),
        consumers=("receipts", "consumers"),
    ),
    Topic(
        name="dead-letters",
        what="Records that could not be taken: where each lies, which field is at fault and why, its original bytes.",
        key="the record's own",
        schema=DeadLetter,
        # Somebody has to look, mend the sender and requeue.
        retention_ms=30 * _DAY_MS,
        # The largest record that is kept whole, in base64, and what is said of it.
        max_message_bytes=-(-MAX_RECORD_BYTES // 3) * 4 + 2 * _AROUND,
        producers=("translate", "rekey", "attribute", "deliver"),
        consumers=("dead-letters", "consumers"),
    ),
    Topic(
        name="<group>-sessions-changelog",
        what="The sessions, as `attribute` finds them again after a restart. Private: its form may change.",
        key=_SESSION_KEY,
        schema=Session,
        encoding="entry",
        partitions_of="chat-interactions",
        cleanup_policy="compact",
        retention_ms=None,
        # All that a session remembers may be texts of the largest records; it would be lost if it did not fit.
        max_message_bytes=16 * _MIB,
        producers=("attribute",),
        consumers=("attribute",),
    ),
    Topic(
        name="<group>-ledger-changelog",
        what="What GA has taken, so that `deliver` sends nothing twice. Private: its form may change.",
        key="`<event_id>/<tracker_id>`",
        schema=None,
        encoding="entry",
        partitions_of="ga-events",
        cleanup_policy="compact",
        retention_ms=None,
        max_message_bytes=_MIB,
        producers=("deliver",),
        consumers=("deliver",),
    ),
)
"""Every topic, in the order in which a record meets them."""

LARGEST_MESSAGE_BYTES: Final = max(topic.max_message_bytes for topic in TOPICS)
"""What a producer must be allowed to send (`max_request_size`): its own limit is lower by default."""


def topic_named(name: str) -> Topic:
    """The topic of that name in the catalogue. Raises KeyError where there is none."""
    return _BY_NAME[name]


_BY_NAME: Final = {topic.name: topic for topic in TOPICS}
