"""How a sender signs its requests: a keyed hash of the body in a header. Pure.

Compared in constant time. Says nothing of when a request was signed: whoever
knows the time may refuse an old one by the header `signed_at`.
"""

import hmac
from collections.abc import Mapping
from typing import Literal

import msgspec

__all__ = ["Signature"]


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """An HMAC in hexadecimal digits. Names of headers are in lower case."""

    header: str
    algorithm: Literal["sha1", "sha256"]
    prefix: str = ""
    """What stands in the header before the digits."""
    signed_at: str | None = None
    """The header with the time of signing in epoch seconds, which is signed too, with a dot, before the body."""
    source: str
    """Where the sender documents it."""

    def verify(self, secret: bytes, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether who knows the secret has signed this body. Never raises; with an empty secret nobody has."""
        given = headers.get(self.header)
        if given is None or not secret:
            return False
        message = body
        if self.signed_at is not None:
            time = headers.get(self.signed_at)
            if not time:
                return False
            message = time.encode("utf-8", "replace") + b"." + body
        expected = self.prefix + hmac.new(secret, message, self.algorithm).hexdigest()
        return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
