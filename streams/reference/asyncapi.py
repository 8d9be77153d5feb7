"""The AsyncAPI 3 document: channels, who sends and receives on them, and how the topics are kept."""

from typing import Any, Final

import yaml

from schemas.catalog import TOPICS, Party, Topic
from schemas.options import RULES_VERSION
from streams.reference.json_schemas import DIALECT
from streams.reference.shipped import schema_file
from streams.sources import FORMATS

__all__ = ["asyncapi", "asyncapi_yaml"]

Node = dict[str, Any]

_BINDING: Final = "0.5.0"
_DIALECT_NAME: Final = f"application/schema+json;version=draft-{DIALECT.split('/')[-2]}"
_GROUPS: Final[dict[Party, str]] = {
    "translate": "-translate-<format>",
    "rekey": "-rekey",
    "attribute": "",
    "deliver": "-deliver",
}
"""The agents, and what stands after the group's name in their consumer groups."""
_PARAMETERS: Final[Node] = {
    "prefix": {"description": "`TOPIC_PREFIX`; by default none.", "default": ""},
    "group": {"description": "`GROUP`, the consumer group.", "default": "chat2ga"},
    "format": {"description": "One of `SOURCES`.", "enum": list(FORMATS)},
}


def asyncapi() -> Node:
    """The document as data."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "chat2ga",
            "version": RULES_VERSION,
            "description": (
                "Raw live-chat interactions on Kafka become deduplicated, attributed Google Analytics events. "
                "Generated from the topic catalogue, from which chat2ga creates its topics too."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{broker}",
                "protocol": "kafka",
                "description": "`BROKER`; what secures it is `BROKER_SECURITY`.",
                "variables": {"broker": {"default": "127.0.0.1:9092"}},
            }
        },
        "channels": {_channel_id(topic): _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(party, topic, action) for topic in TOPICS for party, action in _actions(topic)),
        "components": {
            "messages": {_channel_id(topic): _message(topic) for topic in TOPICS},
            "parameters": _PARAMETERS,
        },
    }


def asyncapi_yaml() -> str:
    """The document as its file has it."""
    text: str = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=120)
    return text


def _channel_id(topic: Topic) -> str:
    return topic.name.removeprefix("<group>-").removesuffix("-<format>")


def _channel(topic: Topic) -> Node:
    address = "{prefix}" + topic.name.replace("<", "{").replace(">", "}")
    parameters = [name for name in _PARAMETERS if f"{{{name}}}" in address]
    kept = {} if topic.retention_ms is None else {"retention.ms": topic.retention_ms}
    return {
        "address": address,
        "title": topic.name,
        "description": topic.what,
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in parameters},
        "messages": {_channel_id(topic): {"$ref": f"#/components/messages/{_channel_id(topic)}"}},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup_policy],
                    **kept,
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": _BINDING,
            }
        },
        **({} if topic.partitions_of is None else {"x-partitions-of": topic.partitions_of}),
        "x-producers": list(topic.producers),
        "x-consumers": list(topic.consumers),
    }


def _message(topic: Topic) -> Node:
    key = {"type": "string", "description": topic.key}
    if topic.encoding == "json":
        content_type = "application/json"
        payload: Node = {"schemaFormat": _DIALECT_NAME, "schema": {"$ref": f"./{schema_file(topic)}"}}
    elif topic.encoding == "foreign":
        content_type = "application/json"
        payload = {"type": "object", "description": "The chat system's own: its documentation says what is in it."}
    else:
        content_type = "application/octet-stream"
        payload = {"type": "string", "format": "binary", "description": "Private to the agent that writes it."}
    return {
        "name": _channel_id(topic),
        "summary": topic.what,
        "contentType": content_type,
        "payload": payload,
        "bindings": {"kafka": {"key": key, "bindingVersion": _BINDING}},
    }


def _actions(topic: Topic) -> list[tuple[Party, str]]:
    """What chat2ga's own agents do there; what others do is theirs to say."""
    sends = [(party, "send") for party in topic.producers if party in _GROUPS]
    return sends + [(party, "receive") for party in topic.consumers if party in _GROUPS]


def _operation(party: Party, topic: Topic, action: str) -> tuple[str, Node]:
    channel = f"#/channels/{_channel_id(topic)}"
    # A table reads its changelog whole, outside its consumer group.
    grouped = action == "receive" and topic.encoding != "entry"
    group = {"type": "string", "examples": [f"chat2ga{_GROUPS[party]}"]}
    bindings = {"bindings": {"kafka": {"groupId": group, "bindingVersion": _BINDING}}} if grouped else {}
    operation = {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"`{party}` {action}s on `{topic.name}`.",
        "messages": [{"$ref": f"{channel}/messages/{_channel_id(topic)}"}],
        **bindings,
    }
    return f"{party}-{action}s-{_channel_id(topic)}", operation
