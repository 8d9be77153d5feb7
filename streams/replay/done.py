"""What is done of a replay: by whom it is written is gone, and a replay that goes on reads it."""

from pathlib import Path
from typing import Any, Self

import msgspec

from streams.replay.engine import Tally
from streams.replay.writing import replacing

__all__ = ["Done"]


class Done(msgspec.Struct, frozen=True):
    """What came of a bucket, or of a piece of the input: what was counted, and files of segments."""

    tally: Tally
    lines: str | None  # in the replay's directory
    dead_letters: str | None
    piece: tuple[int, int] | None = None  # of a piece: the place of its first record, and its bytes

    def write(self, path: Path, *, durable: bool) -> None:
        """Say that it is done: once this is there, so is all that it names."""
        with replacing(path, durable=durable) as file:
            file.write(msgspec.json.encode(self))

    @classmethod
    def read(cls, path: Path) -> Self:
        """What was written."""
        return msgspec.json.decode(path.read_bytes(), type=cls, dec_hook=_counter)


def _counter(kind: type, given: Any) -> Any:  # noqa: ANN401 - of a tally, read as a dict
    return kind(given)
