"""A moment as an interaction holds it."""

__all__ = ["Instant"]


class Instant(int):
    """A moment: microseconds since the epoch, UTC. Not an int to msgspec, which asks whoever decodes to make it one."""

    __slots__ = ()
