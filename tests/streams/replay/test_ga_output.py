"""Google Analytics as the output of a replay: every event at every tracker has one receipt, and arrives once."""

import asyncio
import json
from collections import Counter

import pytest

from schemas.ga_event import decode_event
from schemas.receipt import decode_receipt
from streams.attribution import RuleBook
from streams.demo.sites import secret_names
from streams.demo.traffic import sessions
from streams.replay import Replay, ga_output, replay
from streams.replay.errors import BadOutput
from streams.replay.ga_output import GaOutput
from tests.guarantees.feeding import records_of
from tests.guarantees.harness import ACCOUNTS, secrets
from tests.guarantees.ways import Failing

BOOK = RuleBook(accounts=ACCOUNTS)


@pytest.fixture
async def google():
    async with Failing(secrets=secrets()) as collector:
        yield collector


@pytest.fixture
def post(tmp_path, google, monkeypatch):
    for tracker, variable in secret_names().items():
        monkeypatch.setenv(variable, secrets()[tracker])

    async def run(lines, **wanted):
        source, receipts = tmp_path / "in.jsonl", tmp_path / "receipts.jsonl"
        if lines is not None:
            source.write_bytes(b"\n".join(lines))
        out = GaOutput(
            accounts=ACCOUNTS,
            endpoint=google.url,
            in_flight=8,
            timeout_s=5.0,
            tracker_per_s=0.0,
            receipts=str(receipts),
        )
        await asyncio.to_thread(replay, Replay(inputs=(str(source),), out=out, book=BOOK, **wanted))
        return [decode_receipt(line) for line in receipts.read_bytes().splitlines()]

    return run


@pytest.fixture
def lines():
    return [record.value for record in records_of(3, 400) if record.value]


def due(tmp_path):
    """(event, tracker) of all events of the input, as a replay into a file gives them."""
    out = tmp_path / "events.jsonl"
    replay(Replay(inputs=(str(tmp_path / "in.jsonl"),), out=str(out), book=BOOK))
    events = [decode_event(line) for line in out.read_bytes().splitlines()]
    return {(event.event_id, tracker.id) for event in events for tracker in event.trackers}


def told(receipts):
    return Counter((receipt.event_id, receipt.tracker_id) for receipt in receipts)


async def test_every_event_has_a_receipt_for_each_tracker_and_arrives_once(post, google, tmp_path, lines):
    receipts = await post(lines)
    assert told(receipts) == Counter(due(tmp_path))
    delivered = {(each.event_id, each.tracker_id) for each in receipts if each.outcome == "delivered"}
    assert len(delivered) > 300
    assert google.arrived() == delivered
    assert set(google.times.values()) == {1}
    assert {each.outcome for each in receipts} <= {"delivered", "plan", "no_secret", "rejected"}


async def test_what_google_takes_no_more_is_receipted_and_not_sent(post, google):
    receipts = await post([record.value for record in sessions(3, 100) if record.value])
    assert google.requests == 0
    assert Counter(each.outcome for each in receipts)["expired"] > 100
    assert {each.outcome for each in receipts} <= {"expired", "plan", "no_secret", "no_endpoint"}


@pytest.mark.parametrize("batches", [0, 1, 2])
async def test_a_replay_that_was_interrupted_posts_nothing_twice(post, google, tmp_path, lines, batches, monkeypatch):
    monkeypatch.setattr(ga_output, "_EVENTS", 150)
    deliver, left = ga_output._Posting.deliver, [batches]

    async def until_then(self, delivery):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        await deliver(self, delivery)

    monkeypatch.setattr(ga_output._Posting, "deliver", until_then)
    with pytest.raises(KeyboardInterrupt):
        await post(lines, work=str(tmp_path / "work"))
    monkeypatch.setattr(ga_output._Posting, "deliver", deliver)
    with (tmp_path / "work" / "receipts.jsonl").open("ab") as file:
        file.write(b'{"event_id":"cut o')
    receipts = await post(None, work=str(tmp_path / "work"))
    assert told(receipts) == Counter(due(tmp_path))
    assert set(google.times.values()) == {1}


async def test_no_secret_stands_in_a_receipt(post, tmp_path, lines):
    await post(lines)
    written = (tmp_path / "receipts.jsonl").read_bytes()
    assert all(secret.encode() not in written for secret in secrets().values())
    assert all(json.loads(line)["outcome"] for line in written.splitlines())


async def test_where_receipts_cannot_be_written_nothing_is_posted(post, google, tmp_path, lines):
    (tmp_path / "receipts.jsonl").mkdir()
    with pytest.raises(BadOutput, match="a directory"):
        await post(lines)
    assert google.requests == 0
