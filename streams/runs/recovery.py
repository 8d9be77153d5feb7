"""Recovery: Faust's, without its ways of ending in silence and of ending the wrong rebalance.

A rebalance revokes first and assigns later. Faust's recovery hears of the second
only: one that is under way when partitions are revoked would let input in again,
and call the rebalance over, while the next owner is about to be named.
"""

from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery
from faust.types.tuples import TP

__all__ = ["RunRecovery", "RunTableManager"]


class RunRecovery(Recovery):
    """Waits as long as it takes, and ends only the rebalance that it belongs to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rebalance = 0
        """Which one, counted, has assigned what is being recovered or is at work."""

    @property
    def overtaken(self) -> bool:
        """Whether partitions were revoked, or assigned, since the recovery under way began."""
        return self.app.rebalancing_count != self.rebalance or self.signal_recovery_start.is_set()

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Partitions are assigned: from here on they are recovered."""
        # The next revocation comes through the very routine that waits for this: it cannot have been counted yet.
        self.rebalance = self.app.rebalancing_count
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109 - Faust's signature
        """Wait for a step of the recovery, as long as it takes. Raises RebalanceAgain, and ServiceStopped at a stop.

        Faust takes a time-out for a stop, and its recovery ends: no crash, and of no
        later rebalance would anything be recovered.
        """
        del timeout
        await super()._wait(coro)
        if self.overtaken:
            raise RebalanceAgain


class RunTableManager(TableManager):
    """Faust's, with our recovery."""

    @property
    def recovery(self) -> RunRecovery:
        """The recovery of all tables."""
        if self._recovery is None:
            self._recovery = RunRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery  # type: ignore[return-value]  # made here only
