"""Plans and UA batches over a real HTTP connection, against the collector that checks them."""

import pytest

from schemas.account import Account, Accounts
from schemas.ga_event import Tracker
from streams.delivery import Delivery
from streams.demo.collector import Collector, Misbehaviour
from tests.streams.delivery.sink import SECRET, SECRETS, Sink, delivery, recent

UA = Tracker("UA-1234-1", "1")


@pytest.mark.parametrize(("plan", "outcome"), [("free", "plan"), ("standard", "delivered"), ("pro", "delivered")])
async def test_only_standard_and_pro_deliver(plan, outcome):
    sink = Sink()
    accounts = Accounts({"acme": Account(plan=plan, api_secrets={"G-ABC1234567": "env:ACME"})})
    async with (
        Collector(secrets={"G-ABC1234567": SECRET}) as there,
        Delivery(accounts, endpoint=there.url, in_flight=1, timeout_s=5.0, secret=SECRETS.get) as to_ga,
    ):
        await to_ga.deliver([recent()], sink.is_delivered, sink.settle)
    assert sink.outcomes == [outcome]
    assert there.summary()["events"] == (outcome == "delivered")
    assert there.summary()["violations"] == {}


async def test_hits_of_a_client_go_in_batches_in_order_and_a_failed_batch_goes_again_whole():
    came, sink = [], Sink()
    events = [recent(number, trackers=(UA,)) for number in range(41)]
    order = {event.event_id: place for place, event in enumerate(events)}
    collector = Collector(order=order, on_arrival=came.append, schedule={1: Misbehaviour(status=503)}.get)
    async with collector as there, delivery(there.url) as to_ga:
        await to_ga.deliver(events, sink.is_delivered, sink.settle)
    told = there.summary()
    assert (told["requests"], told["requests_failed"], told["repeated"], told["violations"]) == (4, 1, 0, {})
    assert [one.event_id for one in came] == [event.event_id for event in events]
    assert [receipt.attempts for receipt in sink.receipts] == [1] * 20 + [2] * 20 + [1]
    assert set(sink.outcomes) == {"delivered"}


async def test_clients_do_not_share_a_batch():
    sink = Sink()
    events = [recent(number, trackers=(UA,), client_id=f"1.{number % 2}") for number in range(8)]
    async with Collector() as there, delivery(there.url) as to_ga:
        await to_ga.deliver(events, sink.is_delivered, sink.settle)
    assert (there.summary()["requests"], there.summary()["violations"]) == (2, {})
