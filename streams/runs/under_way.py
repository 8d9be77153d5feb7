"""The runs that are under way: handed on, and not committed. Bookkeeping alone, which asks nobody.

Faust's own, by single offsets, is not used: it loses acknowledgements at a
rebalance and can commit one offset too many.
"""

from collections import defaultdict, deque
from collections.abc import Iterable

from faust.types.tuples import TP

from streams.runs.run import RunMessage

__all__ = ["UnderWay"]


class UnderWay:
    """The runs of each partition, in the order in which they were handed on.

    Only a finished prefix of them may be committed: a run that is not finished
    holds back those behind it, and nothing else. One that was given up is never
    finished: it holds them back until a seek has forgotten it.
    """

    def __init__(self) -> None:
        self._runs: defaultdict[TP, deque[RunMessage]] = defaultdict(deque)
        self._unfinished: defaultdict[TP, set[RunMessage]] = defaultdict(set)

    def add(self, message: RunMessage) -> None:
        """One more of its partition."""
        self._runs[message.tp].append(message)
        self._unfinished[message.tp].add(message)

    def remove(self, message: RunMessage) -> None:
        """It is not handed on after all."""
        if message in self._runs[message.tp]:  # else a seek has forgotten it
            self._runs[message.tp].remove(message)
        self._unfinished[message.tp].discard(message)

    def leave(self, message: RunMessage) -> None:
        """Nobody is at work on it any more: it is finished (`acked`), or it was given up."""
        self._unfinished[message.tp].discard(message)

    def unfinished(self, tp: TP) -> int:
        """How many runs of a partition somebody is at work on."""
        return len(self._unfinished[tp])

    def finished(self) -> dict[TP, int]:
        """By partition, the offset behind its finished prefix; none where that is empty."""
        found = ((tp, self.finished_of(tp)) for tp in list(self._runs))
        return {tp: next_offset for tp, next_offset in found if next_offset is not None}

    def finished_of(self, tp: TP) -> int | None:
        """Of one partition."""
        next_offset = None
        for run in self._runs[tp]:
            if not run.acked:
                break
            next_offset = run.next_offset
        return next_offset

    def committed(self, tp: TP, next_offset: int) -> None:
        """All that lies before this offset is committed, and needs to be known no more."""
        runs = self._runs[tp]
        while runs and runs[0].acked and runs[0].next_offset <= next_offset:
            runs.popleft()

    def forget(self, partitions: Iterable[TP]) -> None:
        """Partitions that are another's from now on."""
        for tp in partitions:
            self._runs.pop(tp, None)
            self._unfinished.pop(tp, None)

    def clear(self) -> None:
        """Everything: it will be read again from what is committed."""
        self._runs.clear()
        self._unfinished.clear()
