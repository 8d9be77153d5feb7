"""A server that writes exactly the bytes it is told to, in the pieces it is told to: what no well-behaved one does."""

import asyncio
import socket
from contextlib import ExitStack, contextmanager, suppress

CLOSE = object()
"""In place of a piece: the connection is closed."""


class RawServer:
    """Answers the n-th request with the n-th of `answers`, all later ones with the last: pieces, or what makes them."""

    def __init__(self, *answers, tls=None, pause_s=0.0):
        self.answers, self.tls, self.pause_s = list(answers), tls, pause_s
        self.heads, self.bodies, self.connections, self.asked_on = [], [], [], []
        self.ended = 0  # connections that the other side has closed
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self.connections:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self.connections.append(writer)
        with suppress(ConnectionError, asyncio.CancelledError):
            while True:
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                except (asyncio.IncompleteReadError, ConnectionError):
                    self.ended += 1
                    break
                length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
                body = await reader.readexactly(length)
                self.bodies.append(body)
                self.heads.append(head)
                self.asked_on.append(writer)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                for piece in answer(body) if callable(answer) else answer:
                    if piece is CLOSE:
                        break
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(self.pause_s)
                else:
                    continue
                break
        writer.close()


@contextmanager
def nobody_accepting():
    """An address at which whoever comes has no answer to its SYN."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield full.getsockname()
