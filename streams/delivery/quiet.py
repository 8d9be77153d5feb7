"""Silence of the HTTP client's own loggers: they may write addresses, and those hold secrets."""

import logging
from typing import Final

__all__ = ["quieten"]

_LOGGERS: Final = (
    "httpx",
    "httpcore",
    # A filter does not reach the loggers below its own.
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    # HTTP/2 is written by these, header by header: `:path` is the address.
    "hpack",
    "hpack.hpack",
    "hpack.table",
    "h2",
    "h11",
)


class _Nothing(logging.Filter):
    """Lets nothing pass, whatever level is set later and by whomever."""

    def filter(self, record: logging.LogRecord) -> bool:
        del record
        return False


_NOTHING: Final = _Nothing()


def quieten() -> None:
    """From here on httpx, httpcore and what they are made of log nothing. Once or often, it is the same."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_NOTHING)
