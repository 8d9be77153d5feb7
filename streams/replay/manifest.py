"""The manifest of a replay: all that decides what comes out of it, or how what is done of it lies there.

Another version of chat2ga is another replay: half of one and half of the other
would be what neither gives.
"""

from collections.abc import Iterable
from hashlib import blake2b
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import msgspec

from schemas.options import RULES_VERSION
from streams.attribution import RuleBook
from streams.replay.inputs import Input
from streams.replay.products import Product
from streams.replay.writing import Output

if TYPE_CHECKING:
    from streams.replay.run import Replay

__all__ = ["AS_OF", "manifest"]

AS_OF: Final = "times of arrival"


def manifest(wanted: "Replay", inputs: Iterable[Input], out: Output, product: Product) -> dict[str, Any]:
    """What must be the same where a replay goes on, by the name that an error calls it."""
    said = {
        "versions of chat2ga": version("chat2ga"),
        "versions of the rules": RULES_VERSION,
        "inputs": [each.identity for each in inputs],
        "outputs": out.identity,
        "rules and accounts": _digest(wanted.book),
        "products": f"{type(product).__name__} {_digest(product)}",
        "formats and mappings": _digest(wanted.translation),
        "orders": wanted.order,
        "files of dead letters": wanted.dead_letters,
        "limits": msgspec.to_builtins(wanted.limits),
    }
    return said if wanted.as_of_ms is None else {**said, AS_OF: wanted.as_of_ms}


def _digest(made_of: object) -> str:
    data = msgspec.json.encode(msgspec.to_builtins(made_of, enc_hook=_rules), order="deterministic")
    return blake2b(data, digest_size=16).hexdigest()


def _rules(book: object) -> object:
    assert isinstance(book, RuleBook)
    return book.__reduce__()[1]
