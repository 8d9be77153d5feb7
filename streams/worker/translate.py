"""The translating agent: raw interactions from the records of another chat system (`SOURCES`).

One for each format, as each has a topic of its own.
"""

from collections.abc import Sequence
from typing import Final

from schemas.dead_letter import Stage
from schemas.interaction import Fault, Unknown
from streams.attribution import RuleBook
from streams.configuration import BadFile, read_mapping
from streams.settings import BadSettings, Settings
from streams.sources import FORMATS, Format, Mapping
from streams.worker.keying import Keyed
from streams.worker.rekey import rekeyed

__all__ = ["STAGE", "interactions_of", "mapping_of"]

STAGE: Final[Stage] = "translate"
_EMPTY: Final = Fault("$", "The record has no value", "empty")


def mapping_of(settings: Settings) -> Mapping:
    """The mapping of `SOURCES`: one for all of them; formats that need another each have a worker of their own.

    Raises BadFile, and BadSettings where a format needs one and there is none.
    """
    mapping = read_mapping(settings.mapping)
    faults = tuple(fault for name in settings.source_formats for fault in FORMATS[name].needs(mapping))
    if faults and settings.mapping is not None:
        raise BadFile(settings.mapping, faults)
    if faults:
        raise BadSettings(tuple(f"CHAT2GA_MAPPING: {fault.key}: {fault.reason}" for fault in faults))
    return mapping


def interactions_of(
    raw: bytes | None, source: Format, mapping: Mapping, rules: RuleBook, arrived_ms: int
) -> Sequence[Keyed] | Unknown | Fault:
    """Each interaction in a record of another system, in order; or why there is none.

    Each is decoded as `attribute` will: what it would not take is a fault here,
    where the record is still whole. One that says nothing of interest has none.
    """
    if raw is None:
        return _EMPTY
    translated = source.translate(raw, mapping)
    if isinstance(translated, (Fault, Unknown)):
        return translated
    found: list[Keyed] = []
    for value in translated:
        keyed = rekeyed(value, rules, arrived_ms)
        if isinstance(keyed, Fault):
            return keyed
        if not isinstance(keyed, Unknown):  # a type of a later version of the contract
            found += keyed
    return found
