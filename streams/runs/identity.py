"""What a topic is beyond its name: its id and its partitions.

A topic that is deleted and made again has its old name and another id; offsets
say nothing of it once the new one has grown as long. aiokafka does not ask for
ids (Kafka has them since 2.8), so the request stands here.
"""

import asyncio
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final, NamedTuple

from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

__all__ = ["UNKNOWN_ID", "TopicIdentity", "identify"]

ASK_S: Final = 5.0
"""Then another broker may be asked: a producer's own patience is made for records, and is long."""
_ID_BYTES: Final = 16
UNKNOWN_ID: Final = bytes(_ID_BYTES)
"""The id of a topic whose broker has no ids."""


class TopicIdentity(NamedTuple):
    """A topic as it is now."""

    id: bytes
    partitions: int


async def identify(client: Any, topics: Sequence[str]) -> dict[str, TopicIdentity]:
    """Each of these topics that is there, asked of any broker. Creates none. Raises KafkaError, OSError."""
    node = client.get_random_node()
    if node is None:
        raise NodeNotReadyError("no broker is known")
    async with asyncio.timeout(ASK_S):
        try:
            answer = await client.send(node, _Identify(topics))
        except RuntimeError:  # aiokafka's answer where a broker is too old for the request
            answer = await client.send(node, MetadataRequest(list(topics), allow_auto_topic_creation=False))
    return {
        topic["topic"]: TopicIdentity(topic.get("topic_id", UNKNOWN_ID), len(topic["partitions"]))
        for topic in answer.to_object()["topics"]
        if topic["error_code"] == 0
    }


class _Uuid(AbstractType[bytes]):
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(_ID_BYTES)


_PARTITION: Final = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
    ("tags", TaggedFields),
)
_TOPIC: Final = (
    ("error_code", Int16),
    ("topic", CompactString("utf-8")),
    ("topic_id", _Uuid),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)),
    ("authorized_operations", Int32),
    ("tags", TaggedFields),
)
_BROKER: Final = (
    ("node_id", Int32),
    ("host", CompactString("utf-8")),
    ("port", Int32),
    ("rack", CompactString("utf-8")),
    ("tags", TaggedFields),
)


class _MetadataResponse_v10(Response):  # noqa: N801 - as aiokafka names its own
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequest_v10(RequestStruct):  # noqa: N801
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse_v10
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Identify(Request[_MetadataRequest_v10]):
    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_MetadataRequest_v10]) -> _MetadataRequest_v10:
        wanted: list[tuple[bytes, str, dict[int, bytes]]] = [(UNKNOWN_ID, topic, {}) for topic in self._topics]
        return request_struct_class(wanted, False, False, False, {})  # noqa: FBT003 - fields by their order
