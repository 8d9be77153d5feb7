"""A Kafka producer that can be let go of: what it has not sent by then, it never sends.

aiokafka sends an idempotent batch again for as long as it takes, also once
whoever waited for it was told that it failed, and `stop` sends what is left. Here
`abandon` ends that: no request is begun any more, connections are cut, and what
lay in buffers of ours is gone. What the operating system or the broker had
already is out of reach.

Knows nothing of HTTP and of what is in a record.
"""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaProducer

__all__ = ["LEANS_ON", "Producer"]

LEANS_ON: Final[dict[str, tuple[str, ...]]] = {
    "aiokafka:AIOKafkaProducer": ("_closed", "_sender"),
    "aiokafka.producer.sender:Sender": ("sender_task", "_send_produce_req"),
    "aiokafka.client:AIOKafkaClient": ("close", "force_metadata_update", "_conns"),
    "aiokafka.conn:AIOKafkaConnection": ("_writer",),
}
"""Private parts that are used here and in `writer`, by class; read with aiokafka 0.14.0."""


class Producer(AIOKafkaProducer):
    """aiokafka's, with an end that does not wait."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - aiokafka's own
        super().__init__(**options)
        self._requests: Final[set[asyncio.Task[None]]] = set()
        self._request: Final = self._sender._send_produce_req  # noqa: SLF001 - LEANS_ON
        self._sender._send_produce_req = self._noted_request  # noqa: SLF001

    async def _noted_request(self, node_id: int, batches: Any) -> None:  # noqa: ANN401
        """A request to a broker and its repeats, run by the sender as a task of its own."""
        task = asyncio.current_task()
        assert task is not None
        self._requests.add(task)
        try:
            await self._request(node_id, batches)
        finally:
            self._requests.discard(task)

    async def abandon(self) -> None:
        """End it at once. Whoever waits for an acknowledgement gets none: that is the caller's to end."""
        self._closed = True  # else it would be told of as never closed
        sender = self._sender.sender_task
        tasks = [*self._requests, *([sender] if sender is not None else [])]
        for task in tasks:
            task.cancel()
        for connection in self.client._conns.values():  # noqa: SLF001
            if connection._writer is not None:  # noqa: SLF001
                # Not `close`: that would first send what is still to be sent.
                connection._writer.transport.abort()  # noqa: SLF001
        if tasks:
            await asyncio.wait(tasks)
        await self.client.close()
