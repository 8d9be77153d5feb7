"""A real Apache Kafka of one node or several, each broker and controller (KRaft), on this machine.

What it starts it stops; of what others started it knows nothing. Every call blocks:
from an async test, `await asyncio.to_thread(cluster.restart, 2)`.
"""

import asyncio
import shutil
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.kafka.jars import java, kafka_classpath
from tests.kafka.processes import Process, free_ports

__all__ = ["KafkaCluster"]

START_S: Final = 60.0
"""A node on an idle machine is up in five seconds; a busy one takes what it takes."""

_JAVA_OPTIONS: Final = ("-Xms128m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
_PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",  # a topic that nobody made is a fault
    "broker.session.timeout.ms": "6000",  # until then a killed node is not taken back (9 s by default)
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "4",  # 50 take seconds to make, and hold nothing here
    "transaction.state.log.num.partitions": "4",
    "group.min.session.timeout.ms": "1000",  # tests of what is killed wait for nothing else
    "log.retention.ms": "-1",  # sample records are from the past; by default they are gone after 30 s
    "log.cleaner.dedupe.buffer.size": "8388608",
    "num.network.threads": "2",
    "num.io.threads": "4",
}


class KafkaCluster:
    """Nodes 1 to `nodes`. A port stays its node's: a restarted one is found where it was.

    with KafkaCluster(nodes=3) as kafka:
        kafka.kill(2)       # SIGKILL, as a crash
        kafka.restart(2)    # with the data it had
    """

    def __init__(
        self,
        nodes: int = 1,
        properties: Mapping[str, str] | None = None,
        heap: str = "512m",
        listeners: Mapping[str, str] | None = None,
        scram: Sequence[str] = (),
    ) -> None:
        """`listeners`: protocols (SSL, SASL_SSL …) by name, beside the plain one; `scram`: as StorageTool takes it."""
        self.nodes: Final = tuple(range(1, nodes + 1))
        self._given: Final = dict(properties or {})
        self._listeners: Final = dict(listeners or {})
        self._scram: Final = tuple(scram)
        self._heap: Final = heap
        self.directory: Final = Path(tempfile.mkdtemp(prefix="chat2ga-kafka-"))
        # The first byte makes it begin with a letter: with a dash, Kafka's tool would take it for an option.
        self._cluster_id: Final = urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        ports = iter(free_ports((2 + len(self._listeners)) * nodes))
        self._broker_ports: Final = {node: next(ports) for node in self.nodes}
        self._controller_ports: Final = {node: next(ports) for node in self.nodes}
        self._listener_ports: Final = {
            listener: {node: next(ports) for node in self.nodes} for listener in self._listeners
        }
        self._running: Final[dict[int, Process]] = {}

    # -- where it is ------------------------------------------------------------

    @property
    def bootstrap(self) -> str:
        """All its brokers, as Kafka clients want them: `host:port,host:port`."""
        return ",".join(f"127.0.0.1:{port}" for port in self._broker_ports.values())

    @property
    def url(self) -> str:
        """All its brokers, as CHAT2GA_BROKER wants them."""
        return ",".join(f"kafka://127.0.0.1:{port}" for port in self._broker_ports.values())

    def url_of(self, listener: str) -> str:
        """All its brokers at a listener of another protocol, as CHAT2GA_BROKER wants them."""
        return ",".join(f"kafka://127.0.0.1:{port}" for port in self._listener_ports[listener].values())

    def pid(self, node: int) -> int:
        """The process id of a running node."""
        return self._running[node].pid

    def log(self, node: int) -> str:
        """What a node has logged, over all its lives."""
        return (self.directory / f"node{node}.log").read_text(encoding="utf-8", errors="replace")

    # -- its life ---------------------------------------------------------------

    def start(self) -> Self:
        """Start all nodes; each answers and knows the others. Raises RuntimeError with a node's last words."""
        for node in self.nodes:
            self._write_properties(node)
        formats = [
            subprocess.Popen(self._format(node), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for node in self.nodes
        ]
        for formatting in formats:
            _, said = formatting.communicate(timeout=START_S)
            if formatting.returncode:
                raise RuntimeError(f"Kafka's StorageTool ended with {formatting.returncode}: {said.decode()[-2000:]}")
        for node in self.nodes:
            self._launch(node)
        self._await_ready(self.nodes)
        return self

    def kill(self, node: int) -> None:
        """SIGKILL: the node is gone without a word."""
        self._running.pop(node).kill()

    def stop(self, node: int) -> None:
        """SIGTERM: the node hands its partitions over and leaves."""
        self._running.pop(node).terminate()

    def freeze(self, node: int) -> None:
        """SIGSTOP: its connections stay open and nobody answers, as behind a network that is cut."""
        self._running[node].freeze()

    def wake(self, node: int) -> None:
        """SIGCONT: it answers again."""
        self._running[node].wake()

    def restart(self, node: int) -> None:
        """Start a node again with the data it had, killing it first if it runs; wait until all copies are in sync."""
        if node in self._running:
            self.kill(node)
        self._launch(node)
        self._await_ready([node])
        self.await_in_sync()

    def restore(self) -> None:
        """Start again whatever was killed, stopped or died; all copies are in sync."""
        for process in self._running.values():
            process.wake()  # one that a test has frozen and left so
        for node in self.nodes:
            if node not in self._running or self._running[node].exit_code is not None:
                self.restart(node)

    def await_in_sync(self, timeout_s: float = START_S) -> None:
        """Wait until every partition has all its copies in sync. Raises TimeoutError."""
        _until(partial(_in_sync, self.bootstrap), timeout_s, "copies are not in sync", self._check_alive)

    def close(self) -> None:
        """Stop every node and remove all data. Once is as good as twice."""
        for process in self._running.values():
            process.kill()  # the data goes too: nothing is worth a clean stop
        self._running.clear()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # -- how --------------------------------------------------------------------

    def _write_properties(self, node: int) -> None:
        copies = str(min(3, len(self.nodes)))
        properties = {
            **_PROPERTIES,
            "node.id": str(node),
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in self._ports_of(node).items()),
            "listener.security.protocol.map": ",".join(
                f"{name}:{self._listeners.get(name, 'PLAINTEXT')}" for name in self._ports_of(node)
            ),
            "controller.quorum.voters": ",".join(
                f"{other}@127.0.0.1:{port}" for other, port in self._controller_ports.items()
            ),
            "log.dirs": str(self.directory / f"node{node}"),
            "default.replication.factor": copies,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": str(min(2, len(self.nodes))),
            "min.insync.replicas": str(min(2, len(self.nodes))),
            **self._given,
        }
        lines = (f"{name}={value}\n" for name, value in properties.items())
        self._properties(node).write_text("".join(lines), encoding="utf-8")

    def _ports_of(self, node: int) -> dict[str, int]:
        """The ports of a node by the name of their listener."""
        others = {listener: ports[node] for listener, ports in self._listener_ports.items()}
        return {"PLAINTEXT": self._broker_ports[node], "CONTROLLER": self._controller_ports[node], **others}

    def _properties(self, node: int) -> Path:
        return self.directory / f"node{node}.properties"

    def _java(self, *command: str) -> list[str]:
        found = java()
        if found is None:
            raise RuntimeError("Apache Kafka needs Java 17 or later")
        return [found, f"-Xmx{self._heap}", *_JAVA_OPTIONS, "-cp", kafka_classpath(), *command]

    def _format(self, node: int) -> list[str]:
        tool = ("kafka.tools.StorageTool", "format", "-t", self._cluster_id)
        scram = [part for each in self._scram for part in ("--add-scram", each)]
        return self._java("-XX:TieredStopAtLevel=1", *tool, "-c", str(self._properties(node)), *scram)

    def _launch(self, node: int) -> None:
        command = self._java("kafka.Kafka", str(self._properties(node)))
        self._running[node] = Process(command, log=self.directory / f"node{node}.log")

    def _await_ready(self, nodes: Sequence[int]) -> None:
        alive = set(self._running)
        for node in nodes:
            address = f"127.0.0.1:{self._broker_ports[node]}"
            _until(partial(_knows, address, alive), START_S, f"node {node} is not ready", self._check_alive)

    def _check_alive(self) -> None:
        for node, process in self._running.items():
            if process.exit_code is not None:
                raise RuntimeError(f"Kafka's node {node} ended with {process.exit_code}:\n{process.tail()}")


def _until(
    holds: Callable[[], Coroutine[Any, Any, bool]], timeout_s: float, otherwise: str, check: Callable[[], None]
) -> None:
    """Ask until it holds. In a thread of its own: the caller's may have an event loop running."""

    async def ask() -> None:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            check()
            try:
                if await holds():
                    return
            except (KafkaError, OSError):
                pass  # not there yet: that is what is waited for
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{otherwise} after {timeout_s:g} s")

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ask()).result()


async def _knows(address: str, nodes: set[int]) -> bool:
    """Whether the broker there answers in Kafka's protocol, and knows all of the nodes."""
    host, port = address.split(":")
    _, connection = await asyncio.open_connection(host, int(port))  # raises quietly, where aiokafka logs
    connection.close()
    client = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
    try:
        await client.start()
        known = await client.describe_cluster()
        return nodes <= {broker["node_id"] for broker in known["brokers"]}
    finally:
        await client.close()


async def _in_sync(bootstrap: str) -> bool:
    """Whether every partition of every topic has a leader and all its copies in sync."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await client.start()
        topics = await client.describe_topics()
        return all(
            partition["leader"] >= 0 and set(partition["isr"]) == set(partition["replicas"])
            for topic in topics
            for partition in topic["partitions"]
        )
    finally:
        await client.close()
