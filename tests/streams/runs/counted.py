"""The counting app as processes, and what its topics must hold in the end."""

import asyncio
import sys
import time
from collections import Counter

from streams.runs import ROOT_KEY, unpack
from tests.kafka import Process, Written, create_topics, end_offsets, produce, read_topic

PARTITIONS = 4
KEYS = 400


class Counting:
    """The counting app as processes, and what its topics hold."""

    def __init__(self, kafka, prefix, directory, *guarantee):
        self.kafka, self.prefix, self.directory, self.guarantee = kafka, prefix, directory, guarantee
        self.isolation = "read_committed" if guarantee else "read_uncommitted"
        self.processes = {}

    async def topics(self):
        await create_topics(self.kafka.bootstrap, f"{self.prefix}in", f"{self.prefix}out", partitions=PARTITIONS)
        await create_topics(
            self.kafka.bootstrap, f"{self.prefix}changelog", partitions=PARTITIONS, config={"cleanup.policy": "compact"}
        )

    async def feed(self, records):
        keys = [b"key %d" % (n % KEYS) for n in range(records)]
        await produce(
            self.kafka.bootstrap, f"{self.prefix}in", [Written(key, b"x", int(key[4:]) % PARTITIONS) for key in keys]
        )

    def start(self, number):
        command = [
            sys.executable,
            "-m",
            "tests.streams.runs.counting",
            self.kafka.bootstrap,
            self.prefix,
            str(PARTITIONS),
            str(self.directory / str(number)),
            *self.guarantee,
        ]
        self.processes[number] = Process(command, log=self.directory / f"{number}.log")
        return self.processes[number]

    def tails(self):
        return "\n".join(process.tail() for process in self.processes.values())

    async def written(self, records, timeout_s=90.0):
        """Wait until so many records are out."""
        end = time.monotonic() + timeout_s
        while sum((await end_offsets(self.kafka.bootstrap, f"{self.prefix}out")).values()) < records:
            assert time.monotonic() < end, self.tails()
            await asyncio.sleep(0.05)

    async def complete(self, records, timeout_s=90.0):
        """Wait until every record's count is out, repeats not counted."""
        end = time.monotonic() + timeout_s
        while len(set(await self.out())) < records:
            assert time.monotonic() < end, self.tails()
            await asyncio.sleep(0.3)

    async def out(self):
        records = await read_topic(self.kafka.bootstrap, f"{self.prefix}out", isolation=self.isolation)
        return [(record.key, int(record.value)) for record in records]

    async def state(self):
        records = await read_topic(self.kafka.bootstrap, f"{self.prefix}changelog", isolation=self.isolation)
        last = {record.key: record.value for record in records}
        return {key: int(bytes(unpack(stored).payload)) for key, stored in last.items() if key != ROOT_KEY}


def exact(records):
    """What is due: every count of every key once."""
    due = Counter(b"key %d" % (n % KEYS) for n in range(records))
    return {(key, count) for key, total in due.items() for count in range(1, total + 1)}, dict(due)
