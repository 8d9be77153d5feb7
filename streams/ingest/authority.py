"""Who may send: whoever knows the endpoint's secret. Pure: the secret and the time come in as data.

Compared in constant time. Why one is refused is told to nobody.
"""

import hmac
from collections.abc import Mapping
from typing import Final

from streams.sources import Signature

__all__ = ["TOLERANCE_S", "bears", "has_signed"]

TOLERANCE_S: Final = 300
"""Between the time of signing, where the scheme has one, and ours, either way: for clocks that differ, and for a
sender that tries again. Later, a request that somebody has recorded is of no use. As the Standard Webhooks have it."""
_DIGITS: Final = 12


def has_signed(signature: Signature, secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    """Whether the body was signed with the secret, and lately, where the signature says when.

    Names of headers are in lower case. A request that comes again is signed again: it
    changes nothing, as its interactions have the ids that they had.
    """
    if not signature.verify(secret.encode(), headers, body):
        return False
    if signature.signed_at is None:
        return True
    signed_at = headers.get(signature.signed_at, "")
    if not (signed_at.isascii() and signed_at.isdecimal() and len(signed_at) <= _DIGITS):
        return False
    return abs(now_s - int(signed_at)) <= TOLERANCE_S


def bears(secret: str, headers: Mapping[str, str]) -> bool:
    """Whether the request bears the secret: `Authorization: Bearer <secret>`."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    is_same = hmac.compare_digest(token.strip().encode("utf-8", "replace"), secret.encode())
    return is_same and bool(secret) and scheme.lower() == "bearer"
