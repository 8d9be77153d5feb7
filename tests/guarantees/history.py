"""Proof that a history of any size is replayed right, interrupted or not: `make prove-history`, or

    python -m tests.guarantees.history [--interactions 20000000] [--seed N] [--keep DIRECTORY] [--no-worker]

Sample traffic of many accounts, its sessions shuffled among each other and within, in
files of every form; replayed straight, and a second time with `kill -9` on the way and
the same command again: byte for byte the same, and the same to the worker on a sample,
which it gets in the order of event time. Memory is that of all processes together,
what they share counted once. Exit code 1 where anything differs.
"""

import argparse
import asyncio
import gzip
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

import duckdb
import msgspec
import zstandard

from schemas.decoding import decode_interaction, session_key
from schemas.ga_event import decode_event
from schemas.interaction import Interaction
from streams.demo.traffic import Mix, traffic
from tests.guarantees.harness import Chat2ga
from tests.kafka import KafkaCluster, Written
from tests.streams.cli.command import COMMAND, environment

__all__ = ["History", "Took", "made", "prove"]

BASE: Final = 200_000
"""Interactions of sample traffic; the history is copies of them, under accounts of their own."""
BLOCK: Final = 400_000
"""Interactions that are shuffled at once: records of a session lie up to so far apart."""
FILES: Final = ("a.jsonl", "b.jsonl.gz", "c.jsonl.zst", "d.jsonl", "e.jsonl.gz", "f.parquet")
LARGEST_BYTES: Final = 262_144
"""Of a line: those that are too large for a record are the unit tests' matter."""
_MIX: Final = Mix(bad=0.001, unknown=0.001, starts_per_s=50.0)
_LOOK_S: Final = 1.0
_POLL_S: Final = 0.1
_KILL_POLL_S: Final = 0.002
"""The rest of a small history may be decided in a tenth of a second."""
KILLED_AT: Final = 0.4
"""Of the buckets: so many are decided by then."""

Tell = Callable[[str], None]


class History(msgspec.Struct, frozen=True):
    """A history in files."""

    directory: Path
    interactions: int
    copies: int

    @property
    def bytes_(self) -> int:
        """On disk."""
        return sum(path.stat().st_size for path in self.directory.iterdir())


class Took(msgspec.Struct, frozen=True):
    """What a replay took."""

    seconds: float
    peak_bytes: int
    decided: int  # buckets, as far as was seen
    killed: bool


def made(directory: Path, interactions: int, seed: int) -> History:
    """Write a history of so many interactions. Copies of one another but for their accounts, shuffled."""
    directory.mkdir(parents=True)
    records = islice(traffic(seed, mix=_MIX), min(BASE, interactions))
    base = [record.value for record in records if record.value and len(record.value) < LARGEST_BYTES]
    random = Random(seed)
    copies = -(-interactions // len(base))
    with ExitStack() as stack:
        files = [stack.enter_context(_opened(directory / name)) for name in FILES]
        left, size = interactions, min(BLOCK, -(-interactions // len(files)))
        for turn, block in enumerate(_blocks(base, copies, size)):
            lines = block[:left]
            left -= len(lines)
            random.shuffle(lines)
            files[turn % len(files)].write(b"\n".join(lines) + b"\n")
    _to_parquet(directory / "f.parquet")
    return History(directory, interactions, copies)


def _opened(path: Path) -> Any:  # a file of bytes, of three libraries
    if path.suffix == ".gz":
        return gzip.open(path, "wb", compresslevel=1)
    if path.suffix == ".zst":
        return zstandard.open(path, "wb", cctx=zstandard.ZstdCompressor(level=1))
    return path.open("wb")


def _to_parquet(path: Path) -> None:
    """Of a file of lines one of Parquet, each line in its column `value`, which holds text alone."""
    lines = path.with_suffix(".lines")
    with path.open("rb") as given, lines.open("wb") as out:
        out.writelines(line.decode(errors="replace").encode() for line in given)
    with duckdb.connect(config={"memory_limit": "512MB", "threads": 1}) as connection:
        connection.execute(
            "COPY (SELECT value FROM read_csv(?, columns = {'value': 'VARCHAR'}, auto_detect = false, header = false, "
            "delim = '\x01', quote = '', escape = '', new_line = '\\n', max_line_size = 1048576)) "
            "TO ? (FORMAT parquet)",
            [str(lines), str(path)],
        )
    lines.unlink()


def _blocks(base: Sequence[bytes], copies: int, size: int) -> Iterator[list[bytes]]:
    block: list[bytes] = []
    for copy in range(copies):
        mark = b'"account_id":"%d-' % copy
        block += [line.replace(b'"account_id":"', mark, 1) for line in base]
        while len(block) >= size:
            yield block[:size]
            del block[:size]
    if block:
        yield block


def replayed(history: History, out: Path, work: Path, as_of_ms: int, *, kill_when_decided: int | None = None) -> Took:
    """`chat2ga replay`, as its users run it; killed with all its processes once so many buckets are decided.

    Raises RuntimeError where it fails.
    """
    command = [*COMMAND, "replay", str(history.directory), "--to", str(out), "--work", str(work)]
    command += ["--as-of", str(as_of_ms), "--dead-letters", f"{out}.dead"]
    began = looked = time.monotonic()
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(command, env=environment(), stderr=said, start_new_session=True)
        peak = decided = 0
        while running.poll() is None:
            if time.monotonic() - looked > _LOOK_S:
                peak, looked = max(peak, _proportional_bytes(running.pid)), time.monotonic()
            decided = max(decided, sum(1 for _ in work.glob("*.done")))
            if kill_when_decided is not None and decided >= kill_when_decided:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
                return Took(time.monotonic() - began, peak, decided, killed=True)
            time.sleep(_POLL_S if kill_when_decided is None else _KILL_POLL_S)
        said.seek(0)
        if running.returncode:
            raise RuntimeError(f"the replay ended with {running.returncode}: {said.read().decode()[-2_000:]}")
    return Took(time.monotonic() - began, peak, decided, killed=False)


def _proportional_bytes(group: int) -> int:
    """The memory of all processes of a group: what several share counts once (PSS, proc_pid_smaps_rollup(5))."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) != group:
                continue
            lines = (process / "smaps_rollup").read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            continue  # it ended meanwhile
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def sampled(history: History, copy: int) -> list[bytes]:
    """The lines of one copy in the order in which a replay applies them: by event time, then as they lie."""
    mark = b'"account_id":"%d-' % copy
    with subprocess.Popen(
        [*COMMAND[:1], "-c", _READ, str(history.directory)], env=environment(), stdout=subprocess.PIPE
    ) as reading:
        assert reading.stdout is not None
        lines = [line.rstrip(b"\n") for line in reading.stdout if mark in line]
    timed = [
        (decoded.timestamp, line)
        for line in lines
        if isinstance(decoded := decode_interaction(line, 1 << 62), Interaction)
    ]
    return [line for _, line in sorted(timed, key=lambda each: each[0])]


_READ: Final = """
import sys
from streams.replay import inputs_of
from streams.replay.inputs import pieces
for piece in pieces(inputs_of(sys.argv[1:])):
    sys.stdout.buffer.writelines(line + b"\\n" for _, line in piece.lines())
"""


async def of_worker(chat2ga: Chat2ga, lines: Sequence[bytes], as_of_ms: int) -> dict[tuple[str, str], list[bytes]]:
    """The worker's events of these lines, each session's in their order."""
    records = []
    for line in lines:
        decoded = decode_interaction(line, 1 << 62)
        assert isinstance(decoded, Interaction)
        records.append(Written(session_key(decoded).encode(), line, timestamp_ms=as_of_ms))
    await chat2ga.feed(records)
    chat2ga.start("w", "attribute", accounts=None)
    await chat2ga.at_work()
    await chat2ga.caught_up(timeout_s=600)
    found = await chat2ga.read(f"{chat2ga.prefix}ga-events")
    await chat2ga.stop("w")
    return by_session(record.value or b"" for record in found)


def by_session(events: Iterable[bytes]) -> dict[tuple[str, str], list[bytes]]:
    """The events of each session, in their order."""
    found: dict[tuple[str, str], list[bytes]] = {}
    for event in events:
        decoded = decode_event(event)
        found.setdefault((decoded.account_id, decoded.session_id), []).append(event)
    return found


def of_copy(out: Path, copy: int) -> dict[tuple[str, str], list[bytes]]:
    """The same of what a replay wrote of one copy."""
    mark = b'"account_id":"%d-' % copy
    with out.open("rb") as lines:
        return by_session(line.rstrip(b"\n") for line in lines if mark in line)


def digest(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prove(directory: Path, interactions: int, seed: int, *, kafka: KafkaCluster | None, tell: Tell) -> dict[str, Any]:
    """All of it; the figures, and what differs."""
    as_of_ms = time.time_ns() // 1_000_000
    began = time.monotonic()
    history = made(directory / "history", interactions, seed)
    tell(
        f"{interactions:,} interactions in {len(FILES)} files, {history.bytes_ / 1e9:.2f} GB on disk, in "
        f"{time.monotonic() - began:.0f} s"
    )
    straight = replayed(history, directory / "straight.jsonl", directory / "work", as_of_ms)
    tell(
        f"straight: {straight.seconds:.0f} s, {interactions / straight.seconds:,.0f}/s, "
        f"{straight.peak_bytes / 2**20:,.0f} MiB at most"
    )
    killed = replayed(
        history,
        directory / "again.jsonl",
        directory / "work",
        as_of_ms,
        kill_when_decided=max(round(straight.decided * KILLED_AT), 1),
    )
    assert killed.killed
    assert not (directory / "again.jsonl").exists(), "half a file was left"
    again = replayed(history, directory / "again.jsonl", directory / "work", as_of_ms)
    tell(f"killed after {killed.seconds:.0f} s, {killed.decided} buckets decided; and again: {again.seconds:.0f} s")
    differs = [
        name
        for name in ("jsonl", "jsonl.dead")
        if digest(directory / f"straight.{name}") != digest(directory / f"again.{name}")
    ]
    figures: dict[str, Any] = {
        "interactions": interactions,
        "bytes_on_disk": history.bytes_,
        "seconds": round(straight.seconds, 1),
        "interactions_a_second": round(interactions / straight.seconds),
        "peak_bytes": max(straight.peak_bytes, killed.peak_bytes, again.peak_bytes),
        "seconds_until_killed": round(killed.seconds, 1),
        "seconds_after_that": round(again.seconds, 1),
        "files_that_differ_after_kill_9": differs,
    }
    if kafka is not None:
        copy = (history.copies - 1) // 2  # all of it is there: the last one is cut off
        lines = sampled(history, copy)
        tell(f"a sample of {len(lines):,} interactions goes to a worker")
        with Chat2ga(kafka, f"history{seed}-", directory) as chat2ga:
            theirs = asyncio.run(of_worker(chat2ga, lines, as_of_ms))
        ours = of_copy(directory / "straight.jsonl", copy)
        different = [key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)]
        figures |= {"sample": len(lines), "sessions_of_it": len(ours), "sessions_that_differ": len(different)}
    return figures


def main() -> int:
    """0 where nothing differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.guarantees.history", description=__doc__.partition(":")[0])
    parser.add_argument("--interactions", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=None, metavar="DIRECTORY", help="where all files stay")
    parser.add_argument("--no-worker", action="store_true", help="leave the sample out, which needs a real Kafka")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        kafka = None if given.no_worker else stack.enter_context(KafkaCluster())
        directory = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chat2ga-history-")))
        figures = prove(
            directory, given.interactions, given.seed, kafka=kafka, tell=lambda line: print(line, file=sys.stderr)
        )
    print(json.dumps(figures, indent=2))
    return int(bool(figures["files_that_differ_after_kill_9"] or figures.get("sessions_that_differ")))


if __name__ == "__main__":
    sys.exit(main())
