"""Whatever GA answers, an event ends at each of its trackers in exactly one outcome, as its receipts say."""

import asyncio
from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ga_event import Tracker
from streams.demo.collector import Collector, Misbehaviour
from tests.streams.delivery.sink import Clock, Sink, delivery, recent
from tests.streams.measurement.made import G

B, WRONG = Tracker("G-B", "5"), Tracker("AW-1", "1")
ANSWERS = st.one_of(
    st.builds(Misbehaviour, status=st.sampled_from([200, 204, 400, 403, 404, 307, 408, 413, 429, 500, 503])),
    st.builds(Misbehaviour, drop=st.sampled_from(["taken", "untaken"])),
)
EVENTS = st.lists(
    st.builds(
        recent,
        st.integers(0, 5),
        client_id=st.sampled_from(["1.1", "2.2"]),
        account_id=st.sampled_from(["acme", "free", "nobody"]),
        trackers=st.lists(st.sampled_from([G, B, WRONG]), max_size=3).map(tuple),
    ),
    max_size=12,
    unique_by=lambda event: event.event_id,
)


class Recorder(Collector):
    """A collector that knows when each (event, tracker) came, taken or not, by the clock of the delivery."""

    def __init__(self, clock, schedule):
        super().__init__(schedule=schedule)
        self.clock = clock
        self.came = defaultdict(list)

    async def _answer(self, request, arrivals, violations):
        for arrival in arrivals:
            self.came[arrival.event_id, arrival.tracker_id].append(self.clock())
        return await super()._answer(request, arrivals, violations)


@settings(max_examples=40)
@given(EVENTS, EVENTS, st.lists(ANSWERS, max_size=30))
def test_the_receipts_add_up_to_the_events_outcome_by_outcome(first, again, answers):
    clock, sink = Clock(), Sink()
    planned = dict(enumerate(answers))

    async def run():
        collector = Recorder(clock, planned.get)
        async with collector as there, delivery(there.url, clock, in_flight=3) as to_ga:
            await to_ga.deliver(first, sink.is_delivered, sink.settle)
            for event in first:  # before any of them is read a second time
                for tracker in event.trackers:
                    assert outcomes(sink)[event.event_id, tracker.id]
            once = len(sink.receipts)
            check(first, sink.receipts, collector, set(), {})
            tries = {pair: len(times) for pair, times in collector.came.items()}
            ledger = set(sink.ledger)
            await to_ga.deliver([*first, *again], sink.is_delivered, sink.settle)
            check([*first, *again], sink.receipts[once:], collector, ledger, tries)

    asyncio.run(run())


def outcomes(sink):
    found = defaultdict(list)
    for receipt in sink.receipts:
        found[receipt.event_id, receipt.tracker_id].append(receipt.outcome)
    return found


def check(events, receipts, collector, ledger, tries_before):
    """A receipt for each time that an event names a tracker: one with its outcome, the others repeats."""
    due = Counter((event.event_id, tracker.id) for event in events for tracker in event.trackers)
    micros = defaultdict(set)
    for event in events:
        micros[event.event_id].add(event.timestamp_micros)
    got = defaultdict(list)
    for receipt in receipts:
        got[receipt.event_id, receipt.tracker_id].append(receipt)
    assert {pair: len(of) for pair, of in got.items()} == due
    for pair, of in got.items():
        final = [receipt for receipt in of if receipt.outcome != "repeated"]
        assert len(final) == (0 if pair in ledger else 1)
        assert {each.sent_micros for each in of if each.outcome == "repeated"} <= {None}
        tried = len(collector.came[pair]) - tries_before.get(pair, 0)
        assert sum(each.attempts for each in of) == tried
        for receipt in final:
            assert receipt.event_micros in micros[pair[0]]
            sent = receipt.outcome in ("delivered", "refused")
            assert sent == (receipt.attempts > 0) == (receipt.status is not None)
            assert (receipt.outcome == "delivered") == (receipt.status is not None and receipt.status < 300)
            if tried:
                last = collector.came[pair][-1]
                assert receipt.event_micros <= receipt.sent_micros <= last <= receipt.answered_micros
