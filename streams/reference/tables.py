"""The tables of docs/reference, each from what the code itself reads."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr

from schemas.catalog import PARTIES, TOPICS
from schemas.codes import CODES
from schemas.dead_letter import DeadLetter
from schemas.ga_event import LEGACY_NAMES
from schemas.interaction import TYPES
from schemas.options import RULES_VERSION, Options
from streams.attribution import RULES, Rule
from streams.measurement import LIMITS
from streams.measurement.ga4 import Params
from streams.observe.metrics import METRICS, Labelled
from streams.reference.events import EVENTS, OPTIONS
from streams.reference.formats import formats
from streams.reference.meanings import meaning_of
from streams.reference.parameters import PARAMETERS, ParameterRow
from streams.settings import PREFIX, Settings

__all__ = ["tables"]

_NOTE: Final = "<!-- Written by `python -m streams.reference`; do not edit. -->"
_DAY_MS: Final = 86_400_000


def tables() -> dict[str, str]:
    """Every page of docs/reference, by its file name."""
    return {
        "topics.md": _page("Topics", _topics()),
        "settings.md": _page("Settings", _settings()),
        "rules.md": _page("Rules and events", _rules()),
        "metrics.md": _page("Metrics", _metrics()),
        "dead-letters.md": _page("Dead letters", _dead_letters()),
        "formats.md": _page("Raw formats", (part if isinstance(part, str) else _table(*part) for part in formats())),
        "google-analytics.md": _page("Google Analytics: parameters and limits", _google_analytics()),
    }


# -- the pages -----------------------------------------------------------------------


def _topics() -> Iterable[str]:
    yield (
        "Each topic gets `TOPIC_PREFIX` before its name, a changelog the name of the consumer group for `<group>`, and "
        "one of another format that format's name for `<format>`. Missing topics are created with `PARTITIONS` "
        "partitions, a changelog with as many as the topic it follows."
    )
    yield _table(
        ("topic", "what is in it", "key", "written by", "read by"),
        [
            (f"`{topic.name}`", topic.what, topic.key, ", ".join(topic.producers), ", ".join(topic.consumers))
            for topic in TOPICS
        ],
    )
    yield _table(
        ("topic", "cleanup", "kept", "largest message, bytes", "partitions"),
        [
            (
                f"`{topic.name}`",
                topic.cleanup_policy,
                "the last of each key" if topic.retention_ms is None else f"{topic.retention_ms // _DAY_MS} days",
                f"{topic.max_message_bytes:,}",
                f"as `{topic.partitions_of}`"
                if topic.partitions_of
                else f"`PARTITIONS`, by default {topic.partitions}",
            )
            for topic in TOPICS
        ],
    )
    yield _table(("name", "who it is"), [(name, what) for name, what in PARTIES.items()])


def _settings() -> Iterable[str]:
    yield (
        f"Each is read from the environment as `{PREFIX}<NAME>`, or in lower case from the TOML file named by "
        "`--config`; the environment wins. `chat2ga check` shows the ones in force."
    )
    taken = Settings.model_json_schema()["properties"]
    yield _table(
        ("setting", "default", "takes", "meaning"),
        [
            (f"`{PREFIX}{name.upper()}`", _default(field.default), _taken(taken[name]), field.description or "")
            for name, field in Settings.model_fields.items()
        ],
    )


def _rules() -> Iterable[str]:
    yield (
        "Each interaction passes the rules that look at its type, in this order. `chat2ga explain` shows what each of "
        f"them did. Version of the rules: `{RULES_VERSION}`."
    )
    yield _table(
        ("", "rule", "looks at", "may send", "meaning", "contract"),
        [
            (str(at), f"`{rule.name}`", _looks_at(rule), _codes(rule.events), rule.meaning, rule.section)
            for at, rule in enumerate(RULES, 1)
        ],
    )
    yield "## The events"
    yield 'GA4\'s event name is the action; a legacy UA property under `naming = "legacy"` gets the old name.'
    yield _table(
        ("event", "label", "sent when", "how often", "legacy name"),
        [(f"`{name}`", row.label, row.when, row.how_often, LEGACY_NAMES[name]) for name, row in EVENTS.items()],
    )
    yield "## Options"
    yield "They stand in a `rules.toml` (`RULES`, or `--rules`). Others than the defaults mark `rules_version`."
    yield _table(
        ("option", "default", "takes", "meaning"),
        [
            (f"`{field.name}`", _toml(field.default), _option_takes(field), OPTIONS[field.name])
            for field in msgspec.structs.fields(Options)
        ],
    )


def _metrics() -> Iterable[str]:
    yield "On `/metrics`, in Prometheus' format, with those of the process. A counter's name ends in `_total` there."
    yield _table(("metric", "kind", "labels", "meaning"), [_metric(metric) for metric in METRICS])
    yield (
        "`topic` and `partition` are those assigned to the worker; they go when the partition does. Of a worker of "
        "several `PROCESSES`, each sample bears the label `process` as well: `0`, `1` and so on."
    )


def _dead_letters() -> Iterable[str]:
    yield "A record that cannot be taken goes to `dead-letters`, and the stream goes on. What is wrong is in `code`:"
    yield _table(("code", "meaning"), [(f"`{code}`", meaning) for code, meaning in CODES.items()])
    yield "## Fields"
    yield _table(
        ("field", "meaning"), [(f"`{name}`", meaning_of(DeadLetter, name)) for name in DeadLetter.__struct_fields__]
    )
    yield "`key` and `value` are base64; `null` where there is none."


def _google_analytics() -> Iterable[str]:
    yield "What to do with them: [Google Analytics](../google-analytics.md). What an event does not have is not sent."
    yield "## Parameters"
    yield _table(
        ("parameter", "holds", "register it", "display name", "scope"),
        [_parameter(name, PARAMETERS[name]) for name in Params.__struct_fields__],
    )
    yield "## Limits"
    yield (
        "What breaks one is shortened with a mark (`…`), left out, or, where nothing else helps, not sent at all; the "
        "receipt names field, rule and what was done. Characters are counted in UTF-16, as browsers do. "
        "User properties are never sent."
    )
    yield _table(
        ("what", "at most", "source"), [(limit.what, f"{limit.most:,} {limit.unit}", limit.source) for limit in LIMITS]
    )


# -- cells ---------------------------------------------------------------------------


def _looks_at(rule: Rule) -> str:
    names = [name for name, struct in TYPES.items() if struct in rule.types]
    return "every interaction" if len(names) == len(TYPES) else _codes(names)


def _parameter(name: str, row: ParameterRow) -> tuple[str, ...]:
    many = " (many values: BigQuery is the place for it)" if row.many_values and row.register == "no" else ""
    many = " (many values: expect a row “(other)”)" if row.many_values and row.register == "dimension" else many
    register = {
        "dimension": f"custom dimension{many}",
        "of GA's own": "GA has it",
        "no": f"no{many}",
    }[row.register]
    scope = "event" if row.register == "dimension" else ""
    return f"`{name}`", row.meaning, register, row.display_name, scope


def _metric(metric: Labelled[..., Any] | MetricWrapperBase) -> tuple[str, ...]:
    bare, sets = (metric.metric, metric.label_values) if isinstance(metric, Labelled) else (metric, {})
    family = next(iter(bare.describe()))
    labels = [f"`{name}`: {_codes(values)}" if values else f"`{name}`" for name, values in sets.items()]
    return f"`{family.name}`", family.type, "; ".join(labels), family.documentation


def _default(given: object) -> str:
    match given:
        case None | "" | SecretStr():
            return "none"
        case Path():
            return f"`{given}`"
        case _:
            return _toml(given)


def _toml(given: object) -> str:
    """A value as TOML and JSON alike write it."""
    return f"`{msgspec.json.encode(given).decode()}`"


def _taken(schema: dict[str, Any]) -> str:
    """What a setting takes, as pydantic's JSON Schema of it says."""
    if "enum" in schema:
        return _codes(schema["enum"])
    if "anyOf" in schema:
        return _taken(schema["anyOf"][0])
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    kind = {"path": "path", "password": "text, kept secret"}.get(schema.get("format", ""), words[schema["type"]])
    bounds = {"minimum": "from", "exclusiveMinimum": "over", "maximum": "to"}
    return " ".join([kind, *(f"{word} {schema[key]:,}" for key, word in bounds.items() if key in schema)])


def _option_takes(field: msgspec.structs.FieldInfo) -> str:
    return _taken(msgspec.json.schema(field.type))


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# -- Markdown ------------------------------------------------------------------------


def _page(title: str, parts: Iterable[str]) -> str:
    return "\n\n".join([f"# {title}", _NOTE, *parts]) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_line(cells) for cells in [head, ["---"] * len(head), *rows])


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"
