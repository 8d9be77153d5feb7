"""The errors of chat2ga: each says whose fault it is, where, and what to do about it.

Every error that a person can meet derives from `Chat2gaError`; the command line
shows its text in one line and keeps the traceback for `--debug`.
"""

from enum import Enum

__all__ = ["Chat2gaError", "Fault"]


class Fault(Enum):
    """Who can mend it."""

    SENDER = "sender"  # of the records
    OPERATOR = "operator"  # settings, files, the broker, the command line
    GA = "ga"  # Google Analytics, or what stands in its place
    US = "us"  # a bug in chat2ga


class Chat2gaError(Exception):
    """Base of all. `fault` says who can mend it, `retriable` whether trying again may help."""

    fault: Fault = Fault.US
    retriable: bool = False
