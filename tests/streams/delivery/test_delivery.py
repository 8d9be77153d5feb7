import asyncio
import logging
import traceback
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ga_event import Consent, Page, Tracker
from streams.demo.collector import Collector, Misbehaviour
from streams.observe.metrics import GA_FAILING_TRACKERS, GA_IN_FLIGHT, RECEIPTS
from tests.kafka import free_ports
from tests.streams.delivery.sink import SECRET, Clock, Sink, delivery, micros, recent
from tests.streams.measurement.made import UA, G

B = Tracker("G-B", "5")
HOUR = 3_600_000_000


async def run(events, sink=None, *, clock=None, collector=None, **given):
    """Deliver to a collector of Google's rules; the sink has what was settled."""
    sink = sink or Sink()
    async with collector or Collector(secrets={"G-ABC1234567": SECRET, "G-B": SECRET}) as there:
        async with delivery(there.url, clock, **given) as to_ga:
            await to_ga.deliver(events, sink.is_delivered, sink.settle)
        assert there.summary()["violations"] == {}
    return sink, there.summary()


# -- what becomes of an event ------------------------------------------------------


async def test_an_event_arrives_once_at_each_of_its_trackers():
    sink, there = await run([recent(1, trackers=(G, B, UA)), recent(2, trackers=(B,))])
    assert there["by_tracker"] == {"G-ABC1234567": 1, "G-B": 2, "UA-1234-1": 1}
    assert there["repeated"] == 0
    assert sink.outcomes == ["delivered"] * 4
    assert {(receipt.status, receipt.attempts) for receipt in sink.receipts} == {(204, 1)}


async def test_a_receipt_tells_all_that_happened():
    before = micros()
    sink, _ = await run([recent(1, label="x" * 101)], collector=Collector(schedule={0: Misbehaviour(status=500)}.get))
    (only,) = sink.receipts
    assert only.reason == "event_label: shortened (a parameter's value has at most 100 characters)"
    assert (only.tracker_id, only.session_id, only.attempts, only.status) == ("G-ABC1234567", "s1", 2, 204)
    assert before - 1_000_000 <= only.event_micros < before <= only.sent_micros <= only.answered_micros


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        pytest.param(recent(account_id="free"), "plan", id="the plan does not deliver"),
        pytest.param(recent(account_id="nobody"), "no_secret", id="no secret is named"),
        pytest.param(recent(account_id="gone"), "no_secret", id="the secret named is not there"),
        pytest.param(recent(timestamp_micros=0), "expired", id="older than 72 hours"),
        pytest.param(recent(client_id=" "), "rejected", id="against a rule of Google's"),
        pytest.param(recent(trackers=(Tracker("AW-1", "1"),)), "rejected", id="no tracker of a known form"),
    ],
)
async def test_what_is_not_posted_has_its_receipt(event, outcome):
    sink, there = await run([event])
    assert sink.outcomes == [outcome]
    assert sink.receipts[0].attempts == 0
    assert sink.receipts[0].reason
    assert there["requests"] == 0


async def test_an_event_without_trackers_has_no_receipt_and_no_events_are_nothing_to_do():
    assert (await run([recent(trackers=())]))[0].outcomes == []
    assert (await run([]))[0].outcomes == []


async def test_universal_analytics_needs_an_endpoint_of_ones_own():
    sink = Sink()
    async with delivery(None) as to_ga:
        await to_ga.deliver([recent(trackers=(UA,))], sink.is_delivered, sink.settle)
    assert sink.outcomes == ["no_endpoint"]


async def test_legacy_hits_come_as_the_account_names_them():
    came = []
    event = recent(account_id="legacy", name="Feedback_sent", label="Bad", value=1, trackers=(UA,))
    await run([event], collector=Collector(on_arrival=came.append))
    assert [(one.name, one.fields["ec"], one.fields["el"], one.fields["ev"]) for one in came] == [
        ("Feedback sent", "Smartsupp", "1", "1")
    ]


async def test_events_of_a_client_share_requests():
    sink, there = await run([recent(number) for number in range(51)])
    assert there["requests"] == 3
    assert len(sink.ledger) == 51


# -- once --------------------------------------------------------------------------


async def test_what_the_ledger_knows_is_not_sent_again():
    sink = Sink()
    sink.ledger = {("0" * 31 + "1", G.id)}
    sink, there = await run([recent(1, trackers=(G, B)), recent(2)], sink)
    assert sorted(sink.outcomes) == ["delivered", "delivered", "repeated"]
    assert there["by_tracker"] == {G.id: 1, B.id: 1}


async def test_the_same_event_twice_in_a_call_is_sent_once():
    event = recent(1, trackers=(G, G))
    sink, there = await run([event, event])
    assert Counter(sink.outcomes) == {"delivered": 1, "repeated": 3}
    assert there["events"] == 1


async def test_the_same_event_in_two_calls_at_a_time_is_sent_once():
    sink = Sink()
    async with Collector() as there, delivery(there.url) as to_ga:
        calls = [to_ga.deliver([recent(1), recent(2)], sink.is_delivered, sink.settle) for _ in range(5)]
        await asyncio.gather(*calls)
    assert Counter(sink.outcomes) == {"delivered": 2, "repeated": 8}
    assert there.summary()["events"] == 2


@pytest.mark.parametrize(
    "changes", [{"account_id": "free"}, {"account_id": "nobody"}, {"timestamp_micros": 0}], ids=repr
)
async def test_what_was_delivered_once_stays_so_whatever_became_of_the_account(changes):
    sink, event = Sink(), recent(1, **changes)
    sink.ledger = {(event.event_id, G.id)}
    sink, _ = await run([event], sink)
    assert sink.outcomes == ["repeated"]


# -- GA slow, failing or gone --------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        Misbehaviour(status=408, times=3),
        Misbehaviour(status=429, times=3),
        Misbehaviour(status=500, times=3),
        Misbehaviour(status=503, times=3, answer_bytes=100_000),
        Misbehaviour(drop="untaken", times=3),
    ],
    ids=repr,
)
async def test_trouble_is_waited_out_and_nothing_is_lost(trouble):
    clock, collector = Clock(), Collector()
    collector.misbehave(trouble)
    sink, there = await run([recent(1)], clock=clock, collector=collector)
    assert sink.outcomes == ["delivered"]
    assert sink.receipts[0].attempts == 4
    assert (there["events"], there["repeated"], there["requests_failed"]) == (1, 0, 3)
    assert len(clock.slept) == 3


async def test_a_connection_broken_after_the_request_was_taken_repeats_it_and_no_other():
    collector = Collector(schedule={1: Misbehaviour(drop="taken")}.get)
    sink, there = await run([recent(number, client_id=f"{number}.1") for number in range(4)], collector=collector)
    assert sink.outcomes == ["delivered"] * 4
    assert (there["events"], there["distinct_events"], there["repeated"]) == (5, 4, 1)


async def test_an_answer_that_does_not_come_in_time_is_not_waited_for():
    collector = Collector(schedule={0: Misbehaviour(delay_s=60)}.get)
    sink, there = await run([recent(1)], collector=collector, timeout_s=2.0)  # the second one has time, too
    assert sink.outcomes == ["delivered"]
    assert sink.receipts[0].attempts == 2
    assert there["repeated"] == 1  # Google had taken it: who knows


async def test_nobody_there_is_waited_out_until_someone_is():
    clock, sink = Clock(), Sink()
    back = Collector(free_ports(1)[0])

    async def come_back_after_three(seconds):
        await clock.sleep(seconds)
        if len(clock.slept) == 3:
            await back.__aenter__()

    async with delivery(back.url, clock) as to_ga:
        to_ga._pace = replace_sleep(to_ga._pace, come_back_after_three)
        await to_ga.deliver([recent(1)], sink.is_delivered, sink.settle)
        await back.__aexit__(None, None, None)
    assert sink.outcomes == ["delivered"]
    assert sink.receipts[0].attempts == 4


def replace_sleep(pace, sleep):
    return replace(pace, sleep=sleep)


async def test_a_refusal_is_for_good_and_no_redirect_is_followed():
    collector = Collector()
    collector.misbehave(Misbehaviour(status=403))
    collector.misbehave(Misbehaviour(status=307))
    events = [recent(1), recent(2), recent(3, client_id="2.2"), recent(4, client_id="3.3")]
    sink, there = await run(events, collector=collector, in_flight=1)
    assert sink.outcomes == ["refused", "refused", "refused", "delivered"]
    assert {receipt.status for receipt in sink.receipts} == {403, 307, 204}
    assert sink.receipts[0].reason == "the endpoint answered with status 403"
    assert there["requests"] == 3


async def test_what_the_endpoint_asks_for_is_waited():
    clock, collector = Clock(), Collector()
    collector.misbehave(Misbehaviour(status=503, retry_after="700"))
    await run([recent(1)], clock=clock, collector=collector)
    (slept,) = clock.slept
    assert 700 <= slept <= 760


async def test_events_grow_too_old_while_ga_is_gone_each_at_its_own_time():
    clock, collector = Clock(), Collector()
    collector.misbehave(Misbehaviour(status=503, times=10_000))
    now = micros()
    events = [recent(number, timestamp_micros=now - (72 - hours) * HOUR) for number, hours in enumerate((5, 1, 3))]
    sink, there = await run(events, clock=clock, collector=collector)
    assert sink.outcomes == ["expired"] * 3
    assert [receipt.event_id[-1] for receipt in sink.receipts] == ["1", "2", "0"]
    assert [receipt.status for receipt in sink.receipts] == [503] * 3
    assert sum(clock.slept) == pytest.approx(5 * 3_600, abs=5)
    assert there["events"] == 0


async def test_a_long_retry_after_does_not_outlast_the_events():
    clock, collector = Clock(), Collector()
    collector.misbehave(Misbehaviour(status=429, retry_after="999999999", times=2))
    now = micros()
    events = [recent(1, timestamp_micros=now - 71 * HOUR), recent(2, timestamp_micros=now - 70 * HOUR)]
    sink, _ = await run(events, clock=clock, collector=collector)
    assert sink.outcomes == ["expired", "expired"]
    assert sum(clock.slept) == pytest.approx(2 * 3_600, abs=5)


async def test_what_is_left_of_a_request_is_delivered():
    clock, collector = Clock(), Collector()
    collector.misbehave(Misbehaviour(status=429, retry_after="7200"))
    events = [recent(1, timestamp_micros=micros() - 71 * HOUR), recent(2)]
    sink, there = await run(events, clock=clock, collector=collector)
    assert sink.outcomes == ["expired", "delivered"]
    assert there["events"] == 1


# -- order and bounds ----------------------------------------------------------------


async def test_a_client_is_served_in_order_even_when_its_first_request_fails():
    came = []
    collector = Collector(on_arrival=came.append, schedule={0: Misbehaviour(status=503)}.get)
    events = [recent(number, user_id=f"u{number % 3}", trackers=(G, B)) for number in range(30)]
    await run(events, collector=collector)
    for tracker in (G, B):
        ids = [one.event_id for one in came if one.tracker_id == tracker.id]
        assert ids == [event.event_id for event in events]


@pytest.mark.parametrize("in_flight", [1, 3])
async def test_a_place_in_flight_is_given_back_only_once_its_receipts_are_written(in_flight):
    came, full, written = [], asyncio.Semaphore(0), asyncio.Event()
    sink = Sink()

    async def settle(settled):
        full.release()
        await written.wait()
        await sink.settle(settled)

    collector = Collector(on_arrival=came.append)
    async with collector as there, delivery(there.url, in_flight=in_flight) as to_ga, delivery(there.url) as other:
        calls = [
            to_ga.deliver([recent(n, client_id=f"{n}.1") for n in range(k, k + 9)], sink.is_delivered, settle)
            for k in (0, 100, 200)  # partitions: the bound holds over all of them
        ]
        delivering = asyncio.gather(*calls)
        for _ in range(in_flight):
            await full.acquire()
        # Time enough for one more, if one more went out.
        for number in range(1_000, 1_050):
            await other.deliver([recent(number)], Sink().is_delivered, Sink().settle)
        assert sum(int(one.event_id, 16) < 1_000 for one in came) == in_flight
        written.set()
        await delivering
    assert len(sink.ledger) == 27


async def test_a_failing_tracker_does_not_hold_up_the_others():
    gone = asyncio.Event()
    sink = Sink()

    async def settle(settled):
        await sink.settle(settled)
        if len(sink.ledger) == 20:
            gone.set()

    async def sleep(_):
        await gone.wait()  # the failing one tries again only once all others are through

    collector = Collector(schedule={0: Misbehaviour(status=503)}.get)
    async with collector as there, delivery(there.url, in_flight=1) as to_ga:
        to_ga._pace = replace_sleep(to_ga._pace, sleep)
        events = [recent(number, client_id=f"{number}.1") for number in range(21)]
        await to_ga.deliver(events, sink.is_delivered, settle)
    assert len(sink.ledger) == 21


async def test_no_request_begins_while_the_events_may_be_anothers():
    sink, collector, asked = Sink(), Collector(), []

    def may_post():
        asked.append(collector.summary()["requests"])
        return len(asked) > 2

    async with collector as there, delivery(there.url) as to_ga:
        await to_ga.deliver([recent()], sink.is_delivered, sink.settle, may_post=may_post)
    assert asked == [0, 0, 0]
    assert sink.outcomes == ["delivered"]


async def test_that_ga_fails_at_a_tracker_is_counted_until_it_takes_a_request_again():
    seen = []

    async def sleep(_):
        seen.append(GA_FAILING_TRACKERS._value.get())

    sink, collector = Sink(), Collector(schedule={0: Misbehaviour(status=503), 1: Misbehaviour(status=503)}.get)
    async with collector as there, delivery(there.url, in_flight=1) as to_ga:
        to_ga._pace = replace_sleep(to_ga._pace, sleep)
        await to_ga.deliver([recent(trackers=(Tracker("G-B", "1700000000"),))], sink.is_delivered, sink.settle)
    assert seen == [1, 1]
    assert GA_FAILING_TRACKERS._value.get() == 0


# -- stopping and failing --------------------------------------------------------------


async def test_cancelled_it_stops_at_once_and_can_be_used_again():
    taken = asyncio.Semaphore(0)
    sink, collector = Sink(), Collector(on_arrival=lambda _: taken.release())
    collector.misbehave(Misbehaviour(delay_s=60, times=2))
    async with collector as there, delivery(there.url, in_flight=2) as to_ga:
        task = asyncio.create_task(
            to_ga.deliver([recent(n, client_id=f"{n}.1") for n in range(9)], sink.is_delivered, sink.settle)
        )
        for _ in range(2):
            await taken.acquire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sink.outcomes == []
        assert GA_IN_FLIGHT._value.get() == 0
        assert len(to_ga._lanes) == 0
        await to_ga.deliver([recent(n, client_id=f"{n}.1") for n in range(9)], sink.is_delivered, sink.settle)
    assert sink.outcomes == ["delivered"] * 9


async def test_what_settle_raises_comes_out_as_it_is_and_nothing_goes_on_behind_it():
    async def settle(_):
        raise ConnectionError("the broker is gone")

    sink = Sink()
    async with Collector() as there, delivery(there.url, in_flight=2) as to_ga:
        events = [recent(n, client_id=f"{n}.1") for n in range(9)]
        with pytest.raises(ConnectionError, match="the broker is gone"):
            await to_ga.deliver(events, sink.is_delivered, settle)
        assert there.summary()["events"] <= 2
        await to_ga.deliver(events, sink.is_delivered, sink.settle)
    assert sink.outcomes == ["delivered"] * 9


async def test_a_settle_that_is_cancelled_by_itself_does_not_look_like_success():
    async def settle(_):
        raise asyncio.CancelledError  # as a producer's future ends that is stopped

    async with Collector() as there, delivery(there.url) as to_ga:
        with pytest.raises(asyncio.CancelledError):
            await to_ga.deliver([recent(1)], Sink().is_delivered, settle)


async def test_trouble_is_logged_where_it_begins_and_where_it_ends(caplog):
    caplog.set_level(logging.INFO)
    collector = Collector()
    collector.misbehave(Misbehaviour(status=503, times=5))
    collector.misbehave(Misbehaviour(status=403, times=2))
    await run([recent(n, user_id=f"u{n}") for n in range(9)], collector=collector)
    assert [record.message for record in caplog.records if record.name.startswith("streams")] == [
        "tracker G-ABC1234567: GA does not answer well: events are held (server_error, status 503)",
        "tracker G-ABC1234567: GA refuses events for good (refused, status 403)",
        "GA takes events of tracker G-ABC1234567 again",
    ]


async def test_receipts_are_counted_once_they_are_written():
    def count(outcome):
        return RECEIPTS.labels(outcome)._value.get()

    before = {outcome: count(outcome) for outcome in ("delivered", "plan")}
    await run([recent(1), recent(2), recent(3, account_id="free")])
    assert count("delivered") - before["delivered"] == 2
    assert count("plan") - before["plan"] == 1


# -- secrets -----------------------------------------------------------------------------


async def test_a_rotated_secret_is_used_from_the_next_try_on():
    current = ["old"]
    collector = Collector(secrets={"G-ABC1234567": SECRET}, schedule={0: Misbehaviour(status=503)}.get)

    class Rotating(Clock):
        async def sleep(self, seconds):
            current[0] = SECRET
            await super().sleep(seconds)

    sink, _ = await run([recent(1)], clock=Rotating(), collector=collector, secret=lambda _: current[0])
    assert sink.outcomes == ["delivered"]


async def test_a_secret_taken_away_meanwhile_ends_in_a_receipt():
    current = [SECRET, None]
    clock, collector = Clock(), Collector(schedule={0: Misbehaviour(status=503)}.get)

    class Rotating(Clock):
        async def sleep(self, seconds):
            current.pop(0)
            await super().sleep(seconds)

    clock = Rotating()
    sink, _ = await run([recent(1)], clock=clock, collector=collector, secret=lambda _: current[0])
    assert sink.outcomes == ["no_secret"]
    assert sink.receipts[0].attempts == 1


async def test_no_secret_is_in_any_log_receipt_or_error_even_at_debug_level(caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.connection", "httpcore.http11"):
        caplog.set_level(logging.DEBUG, logger=name)
    collector = Collector(schedule=dict(enumerate(MISBEHAVIOURS)).get)
    sink = Sink()
    async with collector as there, delivery(there.url, timeout_s=0.5) as to_ga:
        await to_ga.deliver(
            [recent(n, client_id=f"{n}.1", trackers=(G, UA)) for n in range(9)], sink.is_delivered, sink.settle
        )
        said = [repr(to_ga), repr(vars(to_ga)), repr(to_ga._post.__dict__)]
    async with delivery("http://127.0.0.1:1") as to_nobody:
        with pytest.raises(asyncio.CancelledError) as stopped:
            await stop_at_first_sleep(to_nobody)
        said += traceback.format_exception(stopped.value)
    async with delivery("ftp://127.0.0.1") as to_nothing:
        with pytest.raises(Exception, match="could not be made") as broken:
            await to_nothing.deliver([recent(99)], sink.is_delivered, sink.settle)
        said += traceback.format_exception(broken.value)
    said += [record.getMessage() + str(record.__dict__) for record in caplog.records]
    said += map(str, sink.receipts)
    assert any("GA does not answer well" in line for line in said)
    written = "\n".join(said)
    for hidden in (SECRET, "s3cr3t", "of-acme"):
        assert hidden not in written


async def stop_at_first_sleep(to_ga):
    async def sleep(_):
        raise asyncio.CancelledError

    to_ga._pace = replace_sleep(to_ga._pace, sleep)
    await to_ga.deliver([recent(1)], Sink().is_delivered, Sink().settle)


MISBEHAVIOURS = (
    Misbehaviour(status=503),
    Misbehaviour(status=429),
    Misbehaviour(drop="untaken"),
    Misbehaviour(drop="taken"),
    Misbehaviour(delay_s=60),
    Misbehaviour(status=302),
    Misbehaviour(status=418),
    Misbehaviour(status=500, answer_bytes=70_000),
)


# -- all of it at once ---------------------------------------------------------------------

TRACKERS = (G, B, UA, Tracker("AW-1", "1"), Tracker("G-NOSECRET", "1"))


@st.composite
def traffic(draw):
    """Events of a few clients and accounts, some of them twice, some too old, some against a rule."""
    now = micros()
    events = [
        recent(
            number,
            account_id=draw(st.sampled_from(["acme", "acme", "acme", "free", "nobody"])),
            client_id=draw(st.sampled_from(["1.1", "2.2", "3.3", "bad"])),
            user_id=draw(st.sampled_from([None, "u"])),
            label=draw(st.none() | st.text(max_size=120)),
            page=draw(st.none() | st.builds(Page, st.text(max_size=9), st.just("t" * 400), st.none())),
            consent=draw(st.sampled_from([Consent(None, None), Consent(True, False)])),
            timestamp_micros=now - draw(st.sampled_from([0, 1_000_000, HOUR, 71 * HOUR, 73 * HOUR])),
            trackers=tuple(draw(st.lists(st.sampled_from(TRACKERS), max_size=3, unique=True))),
        )
        for number in range(draw(st.integers(0, 40)))
    ]
    again = draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    return draw(st.permutations([*events, *again])) if again else events


trouble = st.none() | st.builds(
    Misbehaviour,
    status=st.sampled_from([None, 400, 408, 429, 500, 503]),
    retry_after=st.sampled_from([None, "1", "60", "nonsense"]),
    drop=st.sampled_from([None, None, None, "untaken", "taken"]),
)


@settings(max_examples=60)
@given(traffic(), st.lists(trouble, max_size=30), st.integers(1, 6), st.integers(1, 3))
def test_whatever_ga_does_every_event_has_one_receipt_at_each_tracker_and_nothing_is_lost(
    events, troubles, in_flight, cuts
):
    came = []
    sink = Sink()

    async def all_of_it():
        collector = Collector(on_arrival=came.append, schedule=dict(enumerate(troubles)).get)
        async with collector as there, delivery(there.url, in_flight=in_flight) as to_ga:
            calls = [
                to_ga.deliver(events[cut::cuts], sink.is_delivered, sink.settle)
                for cut in range(cuts)  # partitions
            ]
            await asyncio.gather(*calls)
            return there.summary()

    there = asyncio.run(all_of_it())
    assert there["violations"] == {}
    due = Counter((event.event_id, tracker.id) for event in events for tracker in event.trackers)
    assert Counter((receipt.event_id, receipt.tracker_id) for receipt in sink.receipts) == due
    arrived = Counter((one.event_id, one.tracker_id) for one in came)
    delivered = {(one.event_id, one.tracker_id) for one in sink.receipts if one.outcome == "delivered"}
    assert delivered <= arrived.keys()
    dropped_after_taking = sum(one is not None and one.drop == "taken" for one in troubles)
    if not dropped_after_taking:
        assert arrived == Counter(delivered)
    for pair in due:
        outcomes = Counter(one.outcome for one in sink.receipts if (one.event_id, one.tracker_id) == pair)
        assert outcomes["delivered"] <= 1


async def test_in_quiet_nothing_is_in_flight_and_nothing_begins():
    taken = asyncio.Semaphore(0)
    sink, collector = Sink(), Collector(on_arrival=lambda _: taken.release())
    collector.misbehave(Misbehaviour(delay_s=0.3))
    async with collector as there, delivery(there.url, in_flight=1) as to_ga:
        events = [recent(n, client_id=f"{n}.1") for n in range(9)]
        task = asyncio.create_task(to_ga.deliver(events, sink.is_delivered, sink.settle))
        await taken.acquire()
        async with to_ga.quiet():
            await asyncio.sleep(0.1)
            assert sink.outcomes == ["delivered"]
            assert GA_IN_FLIGHT._value.get() == 0
        await task
    assert there.summary()["repeated"] == 0


async def test_without_patience_for_ga_what_is_in_flight_is_given_up_and_told(caplog):
    taken = asyncio.Semaphore(0)
    sink, collector = Sink(), Collector(on_arrival=lambda _: taken.release())
    collector.misbehave(Misbehaviour(delay_s=60, times=2))
    async with collector as there, delivery(there.url, in_flight=2, timeout_s=120.0) as to_ga:
        events = [recent(n, client_id=f"{n}.1") for n in range(9)]
        task = asyncio.create_task(to_ga.deliver(events, sink.is_delivered, sink.settle))
        for _ in range(2):
            await taken.acquire()
        async with asyncio.timeout(30), to_ga.quiet(0.1):
            task.cancel()
            await asyncio.wait({task})
        assert there.summary()["requests"] == 2, "nothing begins while what is in flight is given up"
    assert "2 requests in flight are given up" in caplog.text
