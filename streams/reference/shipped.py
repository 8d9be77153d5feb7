"""The contracts as they are shipped: for `chat2ga schema show` and `export`."""

from collections.abc import Mapping
from importlib.resources import files

from schemas.catalog import TOPICS, Topic, topic_named

__all__ = ["contract_files", "schema_file", "schema_of"]


def contract_files() -> Mapping[str, bytes]:
    """Every generated contract by its file name: a JSON Schema a topic, and `asyncapi.yaml`."""
    generated = files("schemas") / "generated"
    return {file.name: file.read_bytes() for file in sorted(generated.iterdir(), key=str) if file.is_file()}


def schema_of(name: str) -> bytes:
    """The JSON Schema of a topic's records. Raises KeyError where it has none: it is private, or unknown."""
    return contract_files()[schema_file(topic_named(name))]


def schema_file(topic: Topic) -> str:
    """The name of the file with a topic's JSON Schema. Topics of the same records share one."""
    first = next(each for each in TOPICS if each.schema is topic.schema)
    return f"{first.name}.schema.json"
