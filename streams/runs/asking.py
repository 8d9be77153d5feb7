"""Asking the brokers for what nothing goes on without: until they answer, and told meanwhile.

aiokafka gives up after its request time-out. A partition without a leader, or
brokers that are away, last as long as they last: giving up mends neither.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaError, KafkaTimeoutError

from streams.runs.errors import Unanswered

__all__ = ["until_answered"]

logger: Final = logging.getLogger(__name__)

TELL_S: Final = 15.0
"""How often it is told that there is no answer yet."""
PAUSE_S: Final = 0.5
"""Before asking again."""

Answer = TypeVar("Answer")


async def until_answered(app: Any, what: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The brokers' answer, however long it takes; `what` is asked for, as people are told.

    Once the app stops, the failure goes up as it is. So do IllegalStateError (a
    rebalance has taken the partition) and ConsumerStoppedError, of which the
    caller knows more. Raises Unanswered where asking again is of no use.
    """
    while True:
        try:
            return await _told(app, what, ask)
        except (IllegalStateError, ConsumerStoppedError):
            raise
        except KafkaError as error:
            if app.should_stop:
                raise
            if not (error.retriable or isinstance(error, KafkaTimeoutError)):
                raise Unanswered(what, repr(error)) from error
            logger.warning("%s: no broker tells %s: %r; asking again", app.conf.id, what, error)
        await asyncio.sleep(PAUSE_S)


async def _told(app: Any, what: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    asked = asyncio.ensure_future(ask())
    try:
        while not (await asyncio.wait({asked}, timeout=TELL_S))[0]:
            logger.warning("%s: no broker tells %s yet", app.conf.id, what)
        return await asked
    finally:
        asked.cancel()
