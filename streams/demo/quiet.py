"""aiokafka logs what it also raises: while somebody waits for a broker, that nobody answers yet is no news."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["aiokafka_quiet"]


@contextmanager
def aiokafka_quiet() -> Iterator[None]:
    """Nothing of aiokafka's is logged."""
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
