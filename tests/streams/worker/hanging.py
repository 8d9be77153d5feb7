"""A supervisor of two processes that hang for good, without Kafka: `python -m tests.streams.worker.hanging`."""

import asyncio
import logging
import time

from streams.settings import load_settings
from streams.worker.supervisor import obey, supervise


class Nothing:
    """No parts."""

    async def states(self):
        return {}

    async def metrics(self):
        return b""


def hang(number, settings, end):
    """The event loop itself stands still: it cannot even see that the line has ended."""

    async def work():
        async with obey(end, Nothing(), asyncio.Event()):
            await asyncio.sleep(0.2)
            print("hangs", flush=True)
            time.sleep(1_000)  # noqa: ASYNC251 - this is what is tried

    asyncio.run(work())


async def main():
    await supervise(load_settings(processes=2, http_port=0), hang, asyncio.Event())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
