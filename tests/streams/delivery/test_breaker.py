import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.delivery.breaker import FAILURES, LONGEST_S, Breaker


def opened(now_s=0.0, chance=0.5, **asked):
    breaker = Breaker()
    told = [breaker.failed(0, now_s, chance, **asked) for _ in range(FAILURES)]
    assert told == [False] * (FAILURES - 1) + [True]
    return breaker


def test_a_success_in_between_keeps_it_closed():
    breaker = Breaker()
    for _ in range(20):
        for _ in range(FAILURES - 1):
            assert not breaker.failed(0, 0.0, 0.5)
        assert not breaker.succeeded()
    assert breaker.begin(0.0) == 0


def test_open_it_lets_one_probe_in_after_its_wait_and_closes_at_the_first_success():
    breaker = opened(chance=0.5)
    assert breaker.begin(0.24) is None
    assert breaker.begin(0.25)
    assert breaker.begin(1_000.0) is None
    assert breaker.closed_for_s(1_000.0) is None
    assert breaker.succeeded()
    assert breaker.begin(1_000.0) == 0


def test_waits_double_up_to_a_minute():
    breaker, now_s, waits = opened(chance=1.0), 0.0, []
    for _ in range(12):
        waits.append(breaker.closed_for_s(now_s))
        now_s += waits[-1]
        breaker.failed(breaker.begin(now_s), now_s, 1.0)
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


@pytest.mark.parametrize(("asked", "waits"), [(700.0, 700.25), (1e9, LONGEST_S)])
def test_what_the_endpoint_asks_for_holds_for_all_up_to_an_hour(asked, waits):
    assert opened(retry_after_s=asked).closed_for_s(0.0) == waits


def test_a_straggler_adds_what_it_was_asked_and_nothing_else():
    breaker = opened()
    breaker.failed(0, 0.0, 0.9)
    assert breaker.closed_for_s(0.0) == 0.25
    breaker.failed(0, 0.0, 0.9, retry_after_s=30.0)
    assert breaker.closed_for_s(0.0) == 30.0


def test_a_probe_given_up_makes_room_for_the_next():
    breaker = opened()
    breaker.given_up(breaker.begin(1.0))
    assert breaker.begin(1.0)


def test_a_probe_of_an_earlier_opening_does_not_end_that_of_this_one():
    breaker = opened()
    old = breaker.begin(1.0)
    breaker.succeeded()  # a straggler
    for _ in range(FAILURES):
        breaker.failed(0, 1.0, 0.0)
    assert breaker.begin(1.0) not in (None, old)
    breaker.failed(old, 1.0, 0.0)
    assert breaker.begin(1_000.0) is None


class Endpoint(RuleBasedStateMachine):
    """Many lanes, any answers, in any order."""

    def __init__(self):
        super().__init__()
        self.breaker, self.now_s, self.under_way = Breaker(), 0.0, []
        self.probes = set()  # of this opening

    @rule(by=st.floats(0, 100))
    def time_passes(self, by):
        self.now_s += by

    @rule()
    def a_request_would_begin(self):
        entry = self.breaker.begin(self.now_s)
        if entry is not None:
            self.under_way.append(entry)
            assert bool(entry) == self.breaker.opened
            if entry:
                assert not self.probes, "a second probe"
                self.probes.add(entry)

    @rule(data=st.data(), chance=st.floats(0, 1, exclude_max=True), asked=st.none() | st.floats(0, 1e9))
    @precondition(lambda self: self.under_way)
    def one_fails(self, data, chance, asked):
        entry = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.breaker.failed(entry, self.now_s, chance, asked)
        self.probes.discard(entry)

    @rule(data=st.data())
    @precondition(lambda self: self.under_way)
    def one_is_given_up(self, data):
        entry = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.breaker.given_up(entry)
        self.probes.discard(entry)

    @rule(data=st.data())
    @precondition(lambda self: self.under_way)
    def one_succeeds(self, data):
        self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.breaker.succeeded()
        self.probes.clear()
        assert not self.breaker.opened
        assert self.breaker.closed_for_s(self.now_s) == 0.0

    @rule(chance=st.floats(0, 1, exclude_max=True))
    def a_row_fails(self, chance):
        for _ in range(FAILURES):
            self.breaker.failed(0, self.now_s, chance)
        assert self.breaker.opened

    @invariant()
    def it_never_stays_open_for_ever(self):
        closed_s = self.breaker.closed_for_s(self.now_s)
        if closed_s is None:
            assert self.probes  # somebody is asking, and will tell
        else:
            assert 0.0 <= closed_s <= LONGEST_S + 1e-6  # sums of floats


TestEndpoint = Endpoint.TestCase
TestEndpoint.settings = settings(max_examples=100, stateful_step_count=40)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_a_probe_waits_anywhere_below_its_bound(chances):
    breaker, now_s = opened(chance=0.0), 0.0
    for number, chance in enumerate(chances, 1):
        breaker.failed(breaker.begin(now_s), now_s, chance)
        wait_s = breaker.closed_for_s(now_s)
        assert wait_s == pytest.approx(chance * min(60.0, 0.5 * 2.0**number))
        now_s = breaker.until_s
