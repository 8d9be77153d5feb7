"""Requests as senders sign them, by what a format says of its signature; and what they hold."""

import hmac
import json
import time

from streams.sources import Signature

__all__ = ["NOW_MS", "interaction", "signed", "webhook"]

NOW_MS = time.time_ns() // 1_000_000


def signed(signature: Signature, secret: str, body: bytes, at_s: int | None = None) -> dict[str, str]:
    """The headers with which a sender sends this body."""
    if signature.signed_at is None:
        return {signature.header: signature.prefix + hmac.new(secret.encode(), body, signature.algorithm).hexdigest()}
    at = str(int(time.time()) if at_s is None else at_s)
    message = at.encode() + b"." + body
    digest = hmac.new(secret.encode(), message, signature.algorithm).hexdigest()
    return {signature.header: signature.prefix + digest, signature.signed_at: at}


def interaction(number: int = 1, session: str = "s1", **fields: object) -> dict[str, object]:
    """A raw interaction of the contract."""
    return {
        "type": "visitor_message",
        "account_id": "acme",
        "session_id": session,
        "interaction_id": f"i{number}",
        "timestamp": NOW_MS,
        "text": f"number {number}",
        **fields,
    }


def webhook(number: int = 1, conversation: str = "c1", **fields: object) -> bytes:
    """A record as Smartsupp sends it: the visitor wrote."""
    message = {"id": f"m{number}", "content": {"text": f"number {number}"}, "created_at": NOW_MS}
    data = {"conversation": {"id": conversation}, "message": message}
    return json.dumps({"event": "conversation.contact_replied", "account_id": "acme", "data": data, **fields}).encode()
