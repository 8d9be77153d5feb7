"""Some workers of one group, asked how far they are over their own ports."""

import asyncio
import time

from tests.kafka import WorkerProcess, create_topics, end_offsets, produce, read_topic

__all__ = ["Group", "fill", "the_input"]

QUICK = {"session_timeout_s": 6, "heartbeat_s": 1, "rebalance_timeout_s": 10, "partitions": 4, "store": "rocksdb"}


class Group:
    """Some workers of one group, each with a directory of its own."""

    def __init__(self, kafka, prefix, directory, **settings):
        self.kafka, self.prefix, self.directory, self.settings = kafka, prefix, directory, {**QUICK, **settings}
        self.workers: dict[int, WorkerProcess] = {}

    def start(self, number):
        self.workers[number] = WorkerProcess(
            self.kafka.url,
            self.directory / str(number),
            only="attribute",
            topic_prefix=self.prefix,
            group="g",
            **self.settings,
        ).start()
        return self.workers[number]

    async def done(self, timeout_s=120.0):
        """Wait until the whole input is committed."""
        end = time.monotonic() + timeout_s
        ends = await end_offsets(self.kafka.bootstrap, f"{self.prefix}chat-interactions")
        while True:
            committed = await self.committed()
            if all(committed.get(partition, 0) >= offset for partition, offset in ends.items()):
                return
            if time.monotonic() > end:
                raise TimeoutError(f"committed {committed} of {ends}\n{self.logs()}")
            await asyncio.sleep(0.2)

    async def committed(self):
        found = {}
        for worker in self.workers.values():
            if worker.process.exit_code is not None:
                continue
            try:
                text = await worker.get("/metrics")
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith("chat2ga_committed_offset{"):
                    labels, _, value = line.rpartition(" ")
                    partition = int(labels.split('partition="')[1].split('"')[0])
                    found[partition] = max(found.get(partition, 0), int(float(value)))
        return found

    async def progressed(self, records, timeout_s=60.0):
        """Wait until so many records are committed: a fault is to meet work under way."""
        end = time.monotonic() + timeout_s
        while sum((await self.committed()).values()) < records:
            assert time.monotonic() < end, self.logs()
            await asyncio.sleep(0.05)

    def logs(self):
        return "\n".join(f"--- {number}\n{worker.process.tail(15)}" for number, worker in self.workers.items())

    def stop(self):
        return {number: worker.terminate() for number, worker in self.workers.items()}


async def fill(kafka, prefix, records):
    await create_topics(kafka.bootstrap, f"{prefix}chat-interactions", config={"max.message.bytes": "8388608"})
    return await produce(kafka.bootstrap, f"{prefix}chat-interactions", records)


async def the_input(kafka, prefix):
    return await read_topic(kafka.bootstrap, f"{prefix}chat-interactions")
