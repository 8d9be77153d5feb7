"""How a process begins: its logs, what tells it to stop, and a broker that answers, or a line that says not."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from aiokafka.errors import KafkaError

from streams.observe import logs
from streams.settings import Settings
from streams.worker.broker import BrokerUnreachable
from streams.worker.refusal import why_unreachable

__all__ = ["SIGNALS", "begin_logs", "client_silent", "reached", "stop_signals"]

T = TypeVar("T")

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
"""What tells a process to stop."""
REACH_S: Final = 60.0
"""For the broker to answer and the topics to be there, at the start."""


def begin_logs(settings: Settings, process: str | None = None) -> None:
    """Set up the logs, which hide the broker's password. `process`: which of several this is."""
    password = settings.broker_password
    secrets = (password.get_secret_value(),) if password else ()
    logs.configure(settings.log_level, settings.log_format, secrets=secrets, process=process)


def stop_signals() -> asyncio.Event:
    """Set when this process is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # a supervisor begins its processes with these held back
    return stop


async def reached(settings: Settings, asking: Awaitable[T]) -> T:
    """What the broker says, or one line that says what was tried.

    Raises BrokerUnreachable, BrokerRefuses, and what `asking` raises of its own.
    """
    try:
        with client_silent():
            return await asyncio.wait_for(asking, REACH_S)
    except TimeoutError:
        raise BrokerUnreachable(settings.broker, f"no answer within {REACH_S:g} s") from None
    except (KafkaError, OSError) as error:
        raise await why_unreachable(settings, type(error).__name__) from None


@contextmanager
def client_silent() -> Iterator[None]:
    """While it lasts the client library does not tell of each broker that it tries: we tell of all of them, once."""
    client = logging.getLogger("aiokafka")
    level = client.level
    client.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client.setLevel(level)
