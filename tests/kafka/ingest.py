"""`chat2ga ingest` as its users run it: a process of its own on an address of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.kafka.processes import free_ports
from tests.kafka.worker import WorkerProcess

__all__ = ["IngestProcess"]


class IngestProcess(WorkerProcess):
    """As a `WorkerProcess`, with the text of its endpoints and the variables that these name.

    async with IngestProcess(kafka.url, tmp_path, endpoints, {"A_SECRET": "hunter2"}, topic_prefix=prefix) as ingest:
        await session.post(ingest.at("acme"), data=body)
    """

    def __init__(
        self,
        broker: str,
        directory: Path,
        endpoints: str,
        environment: Mapping[str, str] | None = None,
        **given: object,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "endpoints.toml"
        file.write_text(endpoints, encoding="utf-8")
        self._address: Final = free_ports(1)[0]
        settings = {"ingest": file, "ingest_port": self._address, **given}
        super().__init__(
            broker,
            directory,
            program=("-m", "streams.cli", "ingest"),
            environment=environment,
            **settings,  # type: ignore[arg-type]  # none of them is of the worker's own arguments
        )

    def at(self, endpoint: str) -> str:
        """The address of an endpoint."""
        return f"http://127.0.0.1:{self._address}/v1/{endpoint}"
