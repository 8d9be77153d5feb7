"""The newest of many, in bounded memory."""

import heapq
from collections.abc import AsyncIterable, Callable
from typing import Any, TypeVar

__all__ = ["newest"]

T = TypeVar("T")


async def newest(found: AsyncIterable[T], limit: int, key: Callable[[T], tuple[Any, ...]]) -> list[T]:
    """The `limit` of them with the highest keys, or all where it is 0, in the order of their keys.

    No two keys may be equal.
    """
    kept: list[tuple[tuple[Any, ...], T]] = []
    async for each in found:
        if limit and len(kept) == limit:
            heapq.heappushpop(kept, (key(each), each))
        else:
            heapq.heappush(kept, (key(each), each))
    return [each for _, each in sorted(kept, key=lambda entry: entry[0])]
