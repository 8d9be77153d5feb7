"""What Google Analytics' own cookies say. Pure.

Forms: CONTRACT §2. A malformed cookie counts as absent, so each reader returns
None for it and the caller keeps what it knew.
"""

import re
from typing import Final

from schemas.session import MAX_READ

__all__ = ["read_cookie"]

# _ga=GA1.1.1234567890.1700000000: domain depth, then the client id's two numbers.
_CLIENT: Final = re.compile(r"GA1\.[^.]*\.([0-9]+\.[0-9]+)\Z")
# _ga_ABC=GS1.1.1700000000.3.1.1700000100.0.0.0: the session id, then counters. Or
# _ga_ABC=GS2.1.s1700000000$o3$g1$t1700000100: items by their first letter, of which the session id is mostly the first.
_SESSION: Final = re.compile(r"GS(?:1\.[0-9]+\.([0-9]+)(?:\.|\Z)|2\.[0-9]+\.s([0-9]+)(?:\$|%24|\Z))")
_ITEMS: Final = re.compile(r"GS2\.[0-9]+\.(.*)\Z", re.DOTALL)
_SEPARATOR: Final = re.compile(r"\$|%24")
_SESSION_ITEM: Final = re.compile(r"s([0-9]+)\Z")


def read_cookie(name: str, value: str) -> str | None:
    """What a `_ga` or `_ga_<stream>` cookie holds: a client id or a session id. None: malformed, or another cookie.

    An id of more characters than an id may have is none.
    """
    read = None
    if name == "_ga":
        if client := _CLIENT.match(value):
            read = client[1]
    elif name.startswith("_ga_") and len(name) <= MAX_READ:
        read = session[1] or session[2] if (session := _SESSION.match(value)) else _later_item(value)
    return read if read is not None and len(read) <= MAX_READ else None


def _later_item(value: str) -> str | None:
    """The session id behind other items of a GS2 cookie."""
    items = _ITEMS.match(value)
    if items:
        for item in _SEPARATOR.split(items[1]):
            if session := _SESSION_ITEM.match(item):
                return session[1]
    return None
