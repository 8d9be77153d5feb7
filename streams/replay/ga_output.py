"""Google Analytics as the output of a replay: each event to each of its trackers, each with a receipt.

Only events of the last 72 h can be delivered: Google takes no older ones, whose
receipts say `expired`. Receipts are written, and durable, before a request gives its
place back. A replay that goes on after an interruption passes over the batches that are
done, and of the one that was under way posts nothing that has a receipt; what was on
its way when the process was killed may be posted again, as by the worker.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Final

import msgspec

from schemas.account import Accounts
from schemas.ga_event import GaEvent, decode_event
from schemas.receipt import decode_receipt, encode_receipt
from streams.delivery import Delivery, Settled
from streams.replay.writing import check_file, replacing, room_in, whole_file

__all__ = ["GA", "GaOutput"]

GA: Final = "ga"
_RECEIPTS: Final = "receipts.jsonl"
_BATCHES: Final = "batches.json"
_EVENTS: Final = 2_000
"""That are delivered together. The more, the fuller are requests, which hold what one client sent."""

_Pair = tuple[str, str]
"""An event's id, and a tracker's."""


class GaOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Posts to Google Analytics, or to the endpoint in its place."""

    accounts: Accounts
    endpoint: str | None
    in_flight: int
    timeout_s: float
    tracker_per_s: float
    receipts: str  # a file
    name: str = GA
    keyed: bool = False
    once: bool = True

    @property
    def identity(self) -> str:
        """Where events go, and receipts."""
        return f"{self.endpoint or 'Google Analytics'} {self.file.resolve()}"

    @property
    def file(self) -> Path:
        """The receipts, which replace what stood there."""
        return Path(self.receipts)

    def check(self) -> None:
        """Raises BadOutput where no receipts can be written."""
        check_file(self.receipts)

    @contextmanager
    def opened(self, directory: Path) -> Iterator[Callable[[bytes], object]]:
        """What takes lines of events and delivers them."""
        path = directory / _RECEIPTS
        with asyncio.Runner() as runner, room_in(directory), path.open("a+b") as file:
            posting = _Posting(file, directory / _BATCHES)
            delivery = Delivery(
                self.accounts,
                endpoint=self.endpoint,
                in_flight=self.in_flight,
                timeout_s=self.timeout_s,
                tracker_per_s=self.tracker_per_s,
            )
            runner.run(delivery.__aenter__())
            try:
                yield lambda data: runner.run(posting.post(data, delivery))
                runner.run(posting.deliver(delivery))
            finally:
                runner.run(delivery.__aexit__(None, None, None))
        with path.open("rb") as written, whole_file(self.receipts) as out:
            copyfileobj(written, out)


class _Batches(msgspec.Struct):
    """What is done: so many lines were taken, and all receipts of them end there."""

    lines: int = 0
    receipts_end: int = 0


class _Posting:
    """Events on their way, and the receipts of those that arrived."""

    def __init__(self, file: IO[bytes], noted: Path) -> None:
        self._file: Final = file
        self._noted: Final = noted
        self._done: Final = msgspec.json.decode(noted.read_bytes(), type=_Batches) if noted.exists() else _Batches()
        self._settled: Final = _settled(file, self._done.receipts_end)
        self._lines = 0
        self._held: list[GaEvent] = []
        self._waiting: list[bytes] = []  # receipts
        self._one_at_a_time: asyncio.Lock | None = None

    async def post(self, data: bytes, delivery: Delivery) -> None:
        """Take lines; deliver once there are enough."""
        for line in data.split(b"\n")[:-1]:
            self._lines += 1
            if self._lines > self._done.lines:
                self._held.append(self._left_of(decode_event(line)))
                if len(self._held) >= _EVENTS:
                    await self.deliver(delivery)

    def _left_of(self, event: GaEvent) -> GaEvent:
        """The event with those trackers alone that have no receipt of it."""
        left = tuple(each for each in event.trackers if (event.event_id, each.id) not in self._settled)
        return event if len(left) == len(event.trackers) else msgspec.structs.replace(event, trackers=left)

    async def deliver(self, delivery: Delivery) -> None:
        """Returns when all that is held has its receipts. Raises CannotPost."""
        held, self._held = self._held, []
        self._one_at_a_time = asyncio.Lock()
        await delivery.deliver(held, lambda _event, _tracker: False, self._settle)
        self._settled.clear()
        with replacing(self._noted, durable=True) as file:
            file.write(msgspec.json.encode(_Batches(self._lines, self._file.seek(0, os.SEEK_END))))

    async def _settle(self, settled: Sequence[Settled]) -> None:
        """Returns when the receipts are durable. All that wait go in one write: the disk's pace would be the sink's."""
        assert self._one_at_a_time is not None
        self._waiting += [encode_receipt(receipt) + b"\n" for _, receipt in settled]
        async with self._one_at_a_time:
            together, self._waiting = self._waiting, []
            if together:
                self._file.write(b"".join(together))
                self._file.flush()
                await asyncio.to_thread(os.fsync, self._file.fileno())


def _settled(file: IO[bytes], start: int) -> set[_Pair]:
    """What has a receipt of the batch that was under way. A line that was cut off is no receipt, and goes."""
    file.seek(start)
    found: set[_Pair] = set()
    end = start
    for line in file:
        if not line.endswith(b"\n"):
            break
        receipt = decode_receipt(line)
        found.add((receipt.event_id, receipt.tracker_id))
        end += len(line)
    file.truncate(end)
    return found
