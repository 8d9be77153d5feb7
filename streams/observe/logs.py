"""Logs: to stderr, for people or for machines, and never with a secret in them.

Nothing in chat2ga logs a secret. But httpx logs whole URLs, `api_secret` with
them, and an exception may carry what it was given; so whatever is written passes
`Mask` once more: message, traceback and extra fields alike.
"""

import logging
import re
import sys
import time
from collections.abc import Iterable
from typing import Final, Literal, TextIO

import orjson
from rich.console import Console
from rich.logging import RichHandler

__all__ = ["MASKED", "Level", "Mask", "Style", "configure"]

Level = Literal["debug", "info", "warning", "error"]
Style = Literal["console", "json"]

MASKED: Final = "***"

_HANDLER: Final = "chat2ga"
_POSTS: Final = ("httpx", "httpcore")  # at INFO and DEBUG they write URLs: never below WARNING, whatever is asked for
_CHATTER: Final = ("faust", "mode", "aiokafka", "kafka", "asyncio")
_LOUDER: Final[dict[Level, int]] = {"debug": logging.INFO, "error": logging.ERROR}
"""Level of the chatter; otherwise WARNING: at INFO they tell of every fetch, heartbeat and service."""

_SECRET_NAME: Final = re.compile(r"api_secret|passw(?:or)?d", re.IGNORECASE)
# The name of a secret, what stands between, then its value: to the end of the quotes, or of the word.
_NAMED: Final = re.compile(
    r"""(?P<name>(?:api_secret|passw(?:or)?d)["']?\s*(?:=|:|%3D)\s*(?:b(?=["']))?)"""
    r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&"',;)\]}]+)""",
    re.IGNORECASE,
)
_IN_URL: Final = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE)
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) != "\t"}
"""A text from outside begins no line of its own and colours no terminal."""
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Mask:
    """Replaces secrets in a text: values known, and whatever stands where a secret does."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one secret may begin another.
        known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub(MASKED, text)
        return _IN_URL.sub(rf"\g<before>{MASKED}", _NAMED.sub(rf"\g<name>{MASKED}", text))


class _Lines(logging.Formatter):
    """One line a record, UTC; a traceback below it."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, line: str, mask: Mask, process: str | None = None) -> None:
        super().__init__(line)
        self._mask = mask
        self._process = process

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return super().formatMessage(record).translate(_CONTROLS)

    def format(self, record: logging.LogRecord) -> str:
        return self._mask(super().format(record))


class _Objects(_Lines):
    """One JSON object a line: time, level, process, logger, message, exception, and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        shown: dict[str, object] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            **({"process": self._process} if self._process is not None else {}),
            "logger": record.name,
            "message": self._text(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in shown:
                shown[name] = value if isinstance(value, (bool, int, float)) else self._field(name, value)
        if record.exc_info:
            shown["exception"] = self._text(self.formatException(record.exc_info))
        if record.stack_info:
            shown["stack"] = self._text(record.stack_info)
        return orjson.dumps(shown).decode()

    def _text(self, text: str) -> str:
        """Masked, and fit for JSON: a lone surrogate is none."""
        return self._mask(text).encode(errors="backslashreplace").decode()

    def _field(self, name: str, value: object) -> str:
        """The value as a text; none of it where the name says that it is a secret."""
        return MASKED if _SECRET_NAME.search(name) else self._text(str(value))


def configure(
    level: Level,
    style: Style = "console",
    *,
    secrets: Iterable[str] = (),
    process: str | None = None,
    stream: TextIO | None = None,
) -> None:
    """Set up the process's logs; again, to set them up anew.

    `secrets`: values to hide wherever they turn up. `process`: which of several
    this is, where they write to one place; it stands in every line. On a terminal
    lines are coloured; in a pipe they are plain.
    """
    handler = _handler(style, Mask(secrets), process, stream or sys.stderr)
    handler.set_name(_HANDLER)
    root = logging.getLogger()
    for known in [known for known in root.handlers if known.get_name() == _HANDLER]:
        root.removeHandler(known)
        known.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _CHATTER:
        logging.getLogger(name).setLevel(_LOUDER.get(level, logging.WARNING))
    for name in _POSTS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def _handler(style: Style, mask: Mask, process: str | None, stream: TextIO) -> logging.Handler:
    if style == "json":
        return _writing(stream, _Objects("", mask, process))
    which = f"[{process}] " if process is not None else ""
    if stream.isatty():
        handler = RichHandler(console=Console(file=stream), show_path=False, log_time_format="[%X]")
        handler.setFormatter(_Lines(f"{which}%(name)s: %(message)s", mask))
        return handler
    return _writing(stream, _Lines(f"%(asctime)s %(levelname)-7s {which}%(name)s: %(message)s", mask))


def _writing(stream: TextIO, formatter: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    return handler
