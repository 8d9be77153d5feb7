"""Sources: raw formats of chat systems, translated into raw interactions (CONTRACT §1). Pure.

    FORMATS["chatwoot"].translate(raw, mapping) -> the interactions' bytes, in order | Fault | Unknown

One record at a time and nothing remembered between them, so a file, a topic and
a request are translated alike. A record says what its format says; what only a
person can know stands in a mapping, and nothing is made up.
"""

from streams.sources.format import Coverage, Format, coverage
from streams.sources.formats import FORMATS
from streams.sources.mapping import Mapping, mapping_from
from streams.sources.signature import Signature

__all__ = ["FORMATS", "Coverage", "Format", "Mapping", "Signature", "coverage", "mapping_from"]
