"""All raw formats by name."""

from collections.abc import Mapping
from typing import Final

from streams.sources.chatwoot import CHATWOOT
from streams.sources.format import Format
from streams.sources.segment import SEGMENT
from streams.sources.smartsupp_hook_post import SMARTSUPP_HOOK_POST
from streams.sources.smartsupp_webhook import SMARTSUPP_WEBHOOK
from streams.sources.smartsupp_widget import SMARTSUPP_WIDGET

__all__ = ["FORMATS"]

FORMATS: Final[Mapping[str, Format]] = {
    each.name: each for each in (SMARTSUPP_WEBHOOK, SMARTSUPP_HOOK_POST, SMARTSUPP_WIDGET, SEGMENT, CHATWOOT)
}
"""In the order of the docs."""
