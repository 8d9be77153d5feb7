"""What a machine can run, what it cannot, and a closing line that says so.

A test that cannot run here is left out and counted, never skipped in silence.
Under xdist every process collects all tests: what one leaves out, all do.
"""

import os
from collections import Counter
from collections.abc import Generator
from typing import Any, Final

import pytest

from tests.kafka.needs import NEEDS, REQUIRE_KAFKA, closing_line

__all__ = ["Bookkeeping"]


class Bookkeeping:
    """A pytest plugin: one in each process, and in the one that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config: Final = config
        self._left_out: Counter[str] = Counter()  # tests, by what they need
        self._on_kafka = 0  # tests run

    @pytest.hookimpl(tryfirst=True)  # xdist reads the groups
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark what needs Kafka, and leave out what this machine cannot run."""
        missing = {name for name, need in NEEDS.items() if need.missing()}
        kept, left_out = [], []
        for item in items:
            needs = [name for name in NEEDS if name in getattr(item, "fixturenames", ())]
            if any(NEEDS[name].broker for name in needs):
                item.add_marker(pytest.mark.kafka)
                item.add_marker(pytest.mark.xdist_group(_group(item)))
            lacking = next((name for name in needs if name in missing), None)
            if lacking is None:
                kept.append(item)
            else:
                left_out.append(item)
                self._left_out[lacking] += 1
        items[:] = kept
        self._config.hook.pytest_deselected(items=left_out)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what ran on Kafka."""
        if report.when == "call" and "kafka" in report.keywords:
            self._on_kafka += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear from an xdist process what it left out."""
        told = getattr(node, "workeroutput", {}).get("left_out")
        if told:
            self._left_out = Counter(told)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Close: no green without Kafka where it is required, and the line that says what was left out."""
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["left_out"] = dict(self._left_out)
            return (yield)
        required = os.environ.get(REQUIRE_KAFKA) == "1"
        without_broker = any(count for name, count in self._left_out.items() if NEEDS[name].broker)
        red = required and (without_broker or not self._on_kafka)
        if red and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        result = yield
        self._say(closing_line(self._left_out), red=red)
        if required:
            self._say(f"{REQUIRE_KAFKA}=1: {self._on_kafka} tests ran on a real Apache Kafka.", red=red)
        return result

    def _say(self, line: str | None, *, red: bool) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if line and reporter is not None:
            reporter.write_line(line, bold=True, red=red, yellow=not red)


def _group(item: pytest.Item) -> str:
    """Two cores a group: a broker, and what a test runs against it. A file's tests stay together.

    Two groups on two cores as well: much of what they do is to wait for a time-out.
    """
    groups = max((os.cpu_count() or 1) // 2, 2)
    return f"kafka-{sum(item.path.name.encode()) % groups}"
