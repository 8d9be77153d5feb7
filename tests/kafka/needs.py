"""What tests need of the machine, and what to say where it is not there.

A test that cannot run here is left out and counted, never skipped in silence: the
closing line says how many there are and what to install.
"""

import os
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from tests.kafka.jars import why_no_kafka
from tests.streams.report.browser import why_no_chromium
from tools.compiled import why_not

__all__ = ["NEEDS", "REQUIRE_KAFKA", "TEST_BROKER", "ExistingKafka", "Need", "closing_line", "existing_kafka"]

TEST_BROKER: Final = "CHAT2GA_TEST_BROKER"
REQUIRE_KAFKA: Final = "CHAT2GA_REQUIRE_KAFKA"


class ExistingKafka(NamedTuple):
    """A Kafka that somebody else runs: read and written, never stopped."""

    bootstrap: str
    url: str


class Need(NamedTuple):
    """What a fixture needs of the machine."""

    what: str
    missing: Callable[[], str | None]
    broker: bool = True
    """Whether it is a Kafka, which may be required, and which two cores are shared with."""


def existing_kafka(environment: Mapping[str, str] = os.environ) -> ExistingKafka | None:
    """The Kafka of CHAT2GA_TEST_BROKER, `kafka://host:port` or several with commas between. Raises ValueError."""
    given = environment.get(TEST_BROKER)
    if not given:
        return None
    urls = [urlsplit(url.strip()) for url in given.split(",")]
    if any(url.scheme != "kafka" or not url.hostname or not url.port for url in urls):
        raise ValueError(f"{TEST_BROKER}: expected kafka://host:port, or several of them with commas between")
    return ExistingKafka(",".join(f"{url.hostname}:{url.port}" for url in urls), given)


def _no_broker() -> str | None:
    missing = None if existing_kafka() else why_no_kafka()
    return missing and f"install {missing}, or set {TEST_BROKER}=kafka://host:port"


def _no_brokers_of_our_own() -> str | None:
    missing = why_no_kafka()
    return missing and f"install {missing}"


def _no_compiler() -> str | None:
    missing = why_not()
    return missing and f"install {missing}"


def _no_chromium() -> str | None:
    missing = why_no_chromium()
    return missing and f"install {missing}"


NEEDS: Final[Mapping[str, Need]] = {
    "kafka": Need("on a real Apache Kafka", _no_broker),
    "kafka_cluster": Need("on brokers that can be killed", _no_brokers_of_our_own),
    "secure_kafka": Need("on brokers with TLS, SASL and ACLs", _no_brokers_of_our_own),
    "kafka_alone": Need("on a broker that can be killed", _no_brokers_of_our_own),
    "compiled_core": Need("of the compiled core", _no_compiler, broker=False),
    "chromium": Need("in a real browser", _no_chromium, broker=False),
}
"""By the name of the fixture."""


def closing_line(left_out: Mapping[str, int]) -> str | None:
    """What could not be run and what to do about it, in one line; None where everything ran."""
    parts = [
        f"{count} test{'s' * (count != 1)} {NEEDS[name].what} ({NEEDS[name].missing()})"
        for name, count in left_out.items()
        if count
    ]
    return f"Not run here: {'; '.join(parts)}." if parts else None
