"""Where a replay keeps what it has done: a directory that goes with it, or one that outlives an interruption.

A kept directory belongs to one replay. Another one, of other inputs or rules,
is told so before it does anything: what is there would be wrong for it.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from streams.replay.engine import Tally
from streams.replay.errors import BadOutput, OtherReplay
from streams.replay.handing import HANDED
from streams.replay.writing import replacing

__all__ = ["begun", "finish", "finished", "kept", "temporary"]

_MANIFEST: Final = "replay.json"
_LOCK: Final = "replay.lock"
_MADE: Final = (
    *(HANDED, ".dealt", ".piece", ".left", ".lines", ".dead", ".done", ".sorting", ".unfinished"),
    *("receipts.jsonl", "batches.json", "kafka.txt", "parquet.jsonl"),
)
"""How the names end of what a replay makes."""
_FINISHED: Final = "finished"


@contextmanager
def temporary() -> Iterator[Path]:
    """A directory that is gone afterwards, however that comes."""
    with TemporaryDirectory(prefix="chat2ga-replay-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@contextmanager
def kept(name: str) -> Iterator[Path]:
    """A directory of that name: it stays where the replay is interrupted, and is gone when it is done.

    Raises BadOutput where it cannot be had, or another replay is at work there.
    """
    directory = Path(name)
    try:
        if _is_foreign(directory):
            raise BadOutput(name, "this directory holds other things. Name an empty or a new one.")
        directory.mkdir(exist_ok=True)
        lock = (directory / _LOCK).open("wb")
    except OSError as error:
        raise BadOutput(name, f"this cannot be a directory for a replay: {error.strerror or error}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadOutput(name, "another replay is at work there. Wait for it, or name another directory.") from None
        yield directory
        _remove(directory)


def _is_foreign(directory: Path) -> bool:
    """Whether something lies there that no replay has put there."""
    if not directory.is_dir() or (directory / _MANIFEST).exists():
        return False
    return any(each.name != _LOCK for each in directory.iterdir())


def _remove(directory: Path) -> None:
    """What a replay has made, and last what says that it is finished. What somebody else has put there stays."""
    for each in directory.iterdir():
        if each.name.endswith(_MADE):
            rmtree(each) if each.is_dir() else each.unlink()
    (directory / _MANIFEST).unlink()
    (directory / _LOCK).unlink()
    with suppress(OSError):  # a mount point, a link, or with something else in it: not ours to remove
        directory.rmdir()


def begun(directory: Path, replay: Mapping[str, Any], unless_begun: Mapping[str, Any]) -> dict[str, Any]:
    """What was written of the replay that this directory belongs to: this one, if it begins here.

    `unless_begun` has what only its beginning decides. Raises OtherReplay, with what differs, where it is another's.
    """
    manifest = directory / _MANIFEST
    ours: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(replay))
    if not manifest.exists():
        with replacing(manifest, durable=True) as file:
            file.write(msgspec.json.encode({**unless_begun, **ours}))
        return {**unless_begun, **ours}
    theirs: dict[str, Any] = msgspec.json.decode(manifest.read_bytes())
    for name, value in ours.items():
        if theirs.get(name) != value:
            raise OtherReplay(str(directory), name)
    return theirs


def finish(directory: Path, tally: Tally) -> None:
    """Say that all is written. A replay that is interrupted from here on has nothing left to do but to clean up."""
    manifest = directory / _MANIFEST
    theirs = msgspec.json.decode(manifest.read_bytes())
    with replacing(manifest, durable=True) as file:
        file.write(msgspec.json.encode({**theirs, _FINISHED: tally}))


def finished(begun: Mapping[str, Any]) -> Tally | None:
    """What was counted, where all was written before."""
    return (
        msgspec.convert(begun[_FINISHED], Tally, dec_hook=lambda kind, given: kind(given))
        if _FINISHED in begun
        else None
    )
