"""Timeouts: how long each phase of a request may take, and all of them together. Seconds."""

from dataclasses import dataclass

__all__ = ["Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """A phase that stands still ends the request, and so does the whole, however steadily it trickles."""

    whole_s: float  # CHAT2GA_GA_TIMEOUT_S: a place in flight is taken no longer by one try
    connect_s: float = 5.0  # name, TCP and TLS together: room for three SYNs (sent at 0, 1 and 3 s), as one may be lost
    write_s: float = 5.0  # until the system takes the body, 130 kB at most: it waits only for one who stopped reading
    read_s: float = 10.0  # between two pieces of the answer: a proxy in front of GA may be that slow to begin

    def as_httpx(self) -> dict[str, float]:
        """For the transport: no phase has more than the whole."""
        return {
            "connect": min(self.connect_s, self.whole_s),
            "write": min(self.write_s, self.whole_s),
            "read": min(self.read_s, self.whole_s),
        }
