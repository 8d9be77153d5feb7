"""All raw formats by name."""

from collections.abc import Mapping
from typing import Final

from streams.sources.format import Format
from streams.sources.smartsupp_webhook import SMARTSUPP_WEBHOOK

__all__ = ["FORMATS"]

FORMATS: Final[Mapping[str, Format]] = {each.name: each for each in (SMARTSUPP_WEBHOOK,)}
"""In the order of the docs."""
