"""Runs under way: what may be committed of them, whatever becomes of each and in whatever order."""

from types import SimpleNamespace

import pytest
from faust.types.tuples import TP
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from streams.runs.run import Run, RunMessage
from streams.runs.under_way import UnderWay

INPUTS = [TP("in", number) for number in range(2)]


def run_to(next_offset, tp=INPUTS[0]):
    """A run of one record; behind it one that nobody is handed."""
    record = SimpleNamespace(offset=next_offset - 2, timestamp=0, timestamp_type=0)
    return RunMessage(Run(*tp, [record], next_offset), 1)


def test_only_a_finished_prefix_may_be_committed():
    under_way, (first, second, third) = UnderWay(), [run_to(n) for n in (2, 4, 6)]
    for each in (first, second, third):
        under_way.add(each)
    second.acked = True
    assert under_way.finished() == {}
    first.acked = True
    assert under_way.finished() == {INPUTS[0]: 4}


def test_a_commit_that_failed_takes_nothing_out_and_one_behind_which_a_run_was_finished_takes_what_it_covers():
    under_way, runs = UnderWay(), [run_to(n) for n in (2, 4)]
    for each in runs:
        under_way.add(each)
    runs[0].acked = True
    assert under_way.finished() == under_way.finished() == {INPUTS[0]: 2}
    runs[1].acked = True  # while the commit of 2 was under way
    under_way.committed(INPUTS[0], 2)
    assert under_way.finished() == {INPUTS[0]: 4}


@pytest.mark.parametrize("late", ["leave", "remove"])
def test_a_run_that_a_seek_has_forgotten_makes_no_room_for_those_after_it(late):
    under_way, before, after = UnderWay(), run_to(2), run_to(2)
    under_way.add(before)
    under_way.clear()
    under_way.add(after)
    getattr(under_way, late)(before)
    assert under_way.unfinished(INPUTS[0]) == 1
    after.acked = True
    assert under_way.finished() == {INPUTS[0]: 2}


class Machine(RuleBasedStateMachine):
    """Against a list of what was handed on, with what became of each."""

    runs = Bundle("runs")

    def __init__(self):
        super().__init__()
        self.under_way = UnderWay()
        self.known = {tp: [] for tp in INPUTS}
        self.at_work = set()
        self.ends = dict.fromkeys(INPUTS, 0)

    @rule(target=runs, tp=st.sampled_from(INPUTS))
    def is_handed_on(self, tp):
        self.ends[tp] += 2
        message = run_to(self.ends[tp], tp)
        self.under_way.add(message)
        self.known[tp].append(message)
        self.at_work.add(message)
        return message

    @rule(message=consumes(runs), acked=st.booleans())
    def is_left(self, message, acked):
        message.acked = acked
        self.under_way.leave(message)
        self.at_work.discard(message)

    @rule(message=consumes(runs))
    def is_not_handed_on_after_all(self, message):
        self.under_way.remove(message)
        self.at_work.discard(message)
        self.known[message.tp] = [each for each in self.known[message.tp] if each is not message]

    @rule(tp=st.sampled_from(INPUTS), up_to=st.integers(0, 20))
    def is_committed(self, tp, up_to):
        self.under_way.committed(tp, up_to)
        while self.known[tp] and self.known[tp][0].acked and self.known[tp][0].next_offset <= up_to:
            del self.known[tp][0]

    @rule(tp=st.sampled_from(INPUTS))
    def a_partition_is_anothers(self, tp):
        self.under_way.forget([tp])
        self.at_work -= set(self.known[tp])
        self.known[tp] = []
        self.at_work = {each for each in self.at_work if each.tp != tp}

    @rule()
    def all_is_sought(self):
        self.under_way.clear()
        self.known = {tp: [] for tp in INPUTS}
        self.at_work = set()

    @invariant()
    def holds(self):
        for tp, runs in self.known.items():
            prefix = []
            for each in runs:
                if not each.acked:
                    break
                prefix.append(each.next_offset)
            assert self.under_way.finished().get(tp) == (prefix[-1] if prefix else None)
            assert self.under_way.unfinished(tp) == sum(each.tp == tp for each in self.at_work)


TestUnderWay = Machine.TestCase
