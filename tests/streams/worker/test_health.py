"""Health: what is watched decides the status, and the metrics of several processes are one exposition."""

import asyncio
import json
import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.observe import metrics
from streams.worker.health import HealthServer, PortTaken, merged
from tests.kafka import free_ports

OF_ONE = """\
# HELP chat2ga_records_total Records\\\\ taken.
# TYPE chat2ga_records_total counter
chat2ga_records_total{agent="attribute",outcome="applied"} 3.0
# HELP chat2ga_sessions Sessions held.
# TYPE chat2ga_sessions gauge
chat2ga_sessions 2.0
# HELP chat2ga_ga_seconds One request.
# TYPE chat2ga_ga_seconds histogram
chat2ga_ga_seconds_bucket{le="0.1"} 1.0
chat2ga_ga_seconds_bucket{le="+Inf"} 2.0
chat2ga_ga_seconds_count 2.0
chat2ga_ga_seconds_sum 1.5
"""
OF_ANOTHER = (
    OF_ONE.replace(" 3.0", " 4.0")
    + """\
# HELP chat2ga_lag_records Records not committed.
# TYPE chat2ga_lag_records gauge
chat2ga_lag_records{partition="1",topic="a \\"b\\""} 1e+06
"""
)


def test_each_family_is_described_once_with_the_samples_of_all_below_it():
    assert (
        merged({"0": OF_ONE.encode(), "1": OF_ANOTHER.encode()}).decode()
        == """\
# HELP chat2ga_records_total Records\\\\ taken.
# TYPE chat2ga_records_total counter
chat2ga_records_total{agent="attribute",outcome="applied",process="0"} 3.0
chat2ga_records_total{agent="attribute",outcome="applied",process="1"} 4.0
# HELP chat2ga_sessions Sessions held.
# TYPE chat2ga_sessions gauge
chat2ga_sessions{process="0"} 2.0
chat2ga_sessions{process="1"} 2.0
# HELP chat2ga_ga_seconds One request.
# TYPE chat2ga_ga_seconds histogram
chat2ga_ga_seconds_bucket{le="0.1",process="0"} 1.0
chat2ga_ga_seconds_bucket{le="+Inf",process="0"} 2.0
chat2ga_ga_seconds_count{process="0"} 2.0
chat2ga_ga_seconds_sum{process="0"} 1.5
chat2ga_ga_seconds_bucket{le="0.1",process="1"} 1.0
chat2ga_ga_seconds_bucket{le="+Inf",process="1"} 2.0
chat2ga_ga_seconds_count{process="1"} 2.0
chat2ga_ga_seconds_sum{process="1"} 1.5
# HELP chat2ga_lag_records Records not committed.
# TYPE chat2ga_lag_records gauge
chat2ga_lag_records{partition="1",process="1",topic="a \\"b\\""} 1e+06
"""
    )


def test_nothing_of_what_a_process_really_exposes_is_lost_or_changed():
    given = metrics.exposition().decode()
    again = merged({"7": given.encode()}).decode()

    def lines(text):
        return [
            (family.name, family.type, family.documentation, sample.name, tuple(sorted(sample.labels.items())))
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]

    without = [(*head, tuple(label for label in labels if label != ("process", "7"))) for *head, labels in lines(again)]
    assert without == lines(given)
    assert again.count("# TYPE") == given.count("# TYPE")


def test_of_no_process_that_answers_there_is_nothing_to_tell():
    assert merged({}) == b""


class Told:
    """What is watched, as it is told."""

    def __init__(self, exposition=b"# nothing\n", **states):
        self._exposition = exposition
        self._states = states

    async def states(self):
        return self._states

    async def metrics(self):
        return self._exposition


def asked(port, path):
    """Status and body."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read()


def status(port, path):
    return asked(port, path)[0]


@pytest.mark.parametrize(
    ("states", "alive", "ready"),
    [
        ({"a": "ready", "b": "ready"}, 200, 200),
        ({"a": "ready", "b": "starting"}, 200, 503),
        ({"a": "ready", "b": "stopping"}, 200, 503),
        ({"a": "ready", "b": "silent"}, 503, 503),
        ({"a": "ready", "b": "failed"}, 503, 503),
        ({}, 200, 503),
    ],
)
async def test_it_is_ready_only_if_every_part_is_and_alive_unless_one_has_failed_or_hangs(states, alive, ready):
    (port,) = free_ports(1)
    server = HealthServer("127.0.0.1", port, Told(**states))
    await server.start()
    try:
        assert await asyncio.to_thread(status, port, "/healthz") == alive
        assert await asyncio.to_thread(status, port, "/readyz") == ready
        assert await asyncio.to_thread(status, port, "/metrics") == 200
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        ({"0": 0, "1": 0}, "well"),
        ({"0": 1, "1": 0}, "failing at 1 tracker: events are held"),
        ({"0": 2, "1": 3}, "failing at 3 trackers: events are held"),
        ({}, "well"),
    ],
)
async def test_that_ga_fails_at_any_process_is_told_and_no_reason_to_restart(failing, told):
    gauge = "# HELP chat2ga_ga_failing_trackers T.\n# TYPE chat2ga_ga_failing_trackers gauge\n"
    exposition = merged(
        {process: f"{gauge}chat2ga_ga_failing_trackers {count}.0\n".encode() for process, count in failing.items()}
    )
    states = {"process 0 deliver": "ready", "process 1 deliver": "ready"}
    (port,) = free_ports(1)
    server = HealthServer("127.0.0.1", port, Told(exposition, **states))
    await server.start()
    try:
        code, body = await asyncio.to_thread(asked, port, "/healthz")
    finally:
        await server.stop()
    assert (code, json.loads(body)) == (200, {**states, "ga": told})


async def test_that_an_endpoint_is_left_alone_is_told():
    exposition = b'chat2ga_ga_failing_trackers 1.0\nchat2ga_ga_breaker_open{endpoint="eu"} 0.0\n'
    opened = exposition + b'chat2ga_ga_breaker_open{endpoint="own"} 1.0\n'
    told = []
    for given in (exposition, opened):
        (port,) = free_ports(1)
        server = HealthServer("127.0.0.1", port, Told(given, deliver="ready"))
        await server.start()
        try:
            code, body = await asyncio.to_thread(asked, port, "/healthz")
        finally:
            await server.stop()
        told.append((code, json.loads(body)["ga"]))
    held = "failing at 1 tracker: events are held"
    assert told == [(200, held), (200, f"an endpoint fails and is only probed, {held}")]


async def test_a_port_that_is_taken_is_told_with_its_remedy():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port}: .*CHAT2GA_HTTP_PORT"):
            await HealthServer("127.0.0.1", port, Told()).start()
