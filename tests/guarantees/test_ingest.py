"""`chat2ga ingest` under load, with forged, repeated and oversized requests, while Kafka goes and comes back.

Each 200 is on the topic, and nothing else is, but for what was on its way when
Kafka did not acknowledge: each of those was answered 503, and there are no more
of them than were in flight.
"""

import asyncio
import json
import random
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from schemas.decoding import decode_interaction, session_key
from streams.sources import FORMATS, Mapping
from streams.worker.keying import partition_of
from tests.kafka import IngestProcess, end_offsets, read_topic
from tests.streams.ingest.signing import interaction, signed, webhook

SECRET = "hunter2-hunter2"
SIGNATURE = FORMATS["smartsupp-webhook"].signature
assert SIGNATURE is not None
SENDERS = 12
IN_FLIGHT = 16
LINES = 4
MOST = 20_000
ANY_TIME = 1 << 62
ENDPOINTS = """
[endpoints.acme]
format = "smartsupp-webhook"
secret = "env:INGEST_SECRET"
requests_per_s = 100000

[endpoints.site]
format = "interaction"
secret = "env:INGEST_SECRET"
requests_per_s = 100000
"""


@dataclass
class Request:
    """What is sent, and what it would put on the topic."""

    kind: str
    endpoint: str
    body: bytes
    headers: dict[str, str]
    ids: tuple[str, ...] = ()
    answers: list[int | None] = field(default_factory=list)

    @property
    def accepted(self):
        return 200 in self.answers

    @property
    def unanswered(self):
        """Whether it was handed over, as far as its sender knows."""
        return bool({503, None} & set(self.answers))


class Senders:
    """Some that send one request after the other, each of sessions of its own."""

    def __init__(self, ingest, seed):
        self.ingest, self.draw = ingest, random.Random(seed)
        self.requests = []
        self.retry_after = set()
        self.enough = False
        self.number = 0

    def request(self, sender):
        self.number += 1
        draw, number = self.draw, self.number
        kind = draw.choices(
            ["webhook", "lines", "forged", "token forged", "oversized", "endless", "invalid"], [8, 6, 2, 1, 1, 1, 1]
        )[0]
        body = webhook(number, f"{sender}-{number % 3}")
        if kind == "webhook":
            translated = FORMATS["smartsupp-webhook"].translate(body, Mapping())
            ids = tuple(json.loads(each)["interaction_id"] for each in translated)
            return Request(kind, "acme", body, signed(SIGNATURE, SECRET, body), ids)
        if kind == "forged":
            return Request(kind, "acme", body, signed(SIGNATURE, "hunter3", body))
        lines = [interaction(f"{number}.{n}", f"{sender}-{number % 3}") for n in range(draw.randint(1, LINES))]
        ids = tuple(each["interaction_id"] for each in lines)
        if kind == "invalid":
            lines[-1]["session_id"] = 5
        body = b"\n".join(json.dumps(each).encode() for each in lines)
        token = {"Authorization": f"Bearer {SECRET if kind != 'token forged' else 'hunter3'}"}
        if kind in ("oversized", "endless"):
            body += b" " * MOST
        return Request(kind, "site", body, token, ids if kind == "lines" else ())

    async def run(self):
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(30)) as session:
            await asyncio.gather(*[self._send_on(session, sender) for sender in range(SENDERS)])

    async def _send_on(self, session, sender):
        ours = []
        while not self.enough:
            again = [request for request in ours if request.accepted]
            if again and self.draw.random() < 0.1:
                await self._post(session, self.draw.choice(again))  # a recording of it, played again
                continue
            request = self.request(sender)
            ours.append(request)
            self.requests.append(request)
            await self._post(session, request)

    async def _post(self, session, request):
        data = in_chunks(request.body) if request.kind == "endless" else request.body
        status = None
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(self.ingest.at(request.endpoint), data=data, headers=request.headers) as answer:
                status = answer.status
                self.retry_after.add((status, "Retry-After" in answer.headers))
                await answer.read()
        request.answers.append(status)
        await asyncio.sleep(0.002 if status == 200 else 0.02)


async def in_chunks(body):
    for at in range(0, len(body), 4_096):
        yield body[at : at + 4_096]


STATUSES = {
    "webhook": {200, 503},
    "lines": {200, 503},
    "forged": {401, 503},
    "token forged": {401, 503},
    "oversized": {413, 503, None},  # None: the line was cut while it was still sending
    "endless": {413, 503, None},
    "invalid": {400, 503},
}


async def test_each_200_is_on_the_topic_and_nothing_else_is_while_kafka_goes_and_comes_back(
    kafka_alone, prefix, tmp_path
):
    topic = f"{prefix}chat-interactions"
    settings = {
        "topic_prefix": prefix,
        "ingest_timeout_s": 1.5,
        "ingest_in_flight": IN_FLIGHT,
        "ingest_max_bytes": MOST,
    }
    faults = 0
    async with IngestProcess(kafka_alone.url, tmp_path, ENDPOINTS, {"INGEST_SECRET": SECRET}, **settings) as ingest:
        senders = Senders(ingest, seed=41)
        running = asyncio.create_task(senders.run())
        for befalls in ("killed", "frozen", "killed", "frozen"):
            await asyncio.sleep(3)
            if befalls == "killed":
                await asyncio.to_thread(kafka_alone.kill, 1)
                await asyncio.sleep(4)
                await asyncio.to_thread(kafka_alone.restart, 1)
            else:
                kafka_alone.freeze(1)
                await asyncio.sleep(4)
                kafka_alone.wake(1)
            faults += 1
            await ingest.ready()
        await asyncio.sleep(3)
        senders.enough = True
        await running
        assert await asyncio.to_thread(ingest.terminate) == 0
    await asyncio.sleep(3)
    ends = await end_offsets(kafka_alone.bootstrap, topic)
    records = await read_topic(kafka_alone.bootstrap, topic)
    assert sum(ends.values()) == len(records)
    told = judged(senders, records, faults)
    print(told)
    log = ingest.process.text()
    assert log.count("requests are answered 503 until Kafka answers") >= faults
    assert SECRET not in log
    assert "this is a bug" not in log
    assert "Traceback" not in log


def judged(senders, records, faults):
    """What came of it; raises AssertionError where a promise is broken."""
    requests = senders.requests
    copies = Counter(json.loads(record.value)["interaction_id"] for record in records)
    by_id = {each: request for request in requests for each in request.ids}
    accepted = {each for each, request in by_id.items() if request.accepted}
    assert not accepted - copies.keys(), "a 200 is not on the topic"
    late = copies.keys() - accepted
    assert late <= by_id.keys(), "something is on the topic that nobody sent, or that was refused for good"
    assert all(by_id[each].unanswered for each in late)
    assert len(late) <= faults * IN_FLIGHT * LINES, "more than was in flight"
    for each, count in copies.items():
        answers = by_id[each].answers
        assert answers.count(200) <= count <= answers.count(200) + answers.count(503) + answers.count(None)
    for record in records:
        decoded = decode_interaction(record.value, ANY_TIME)
        assert record.key == session_key(decoded).encode()
        assert record.partition == partition_of(record.key, 4)
    assert_in_order(requests, records)
    for request in requests:
        assert set(request.answers) <= STATUSES[request.kind], request.kind
    assert all(has == (status in (429, 503)) for status, has in senders.retry_after)
    counted = Counter((request.kind, answer) for request in requests for answer in request.answers)
    assert {kind for kind, _ in counted} == set(STATUSES)
    assert counted["webhook", 503] > faults, "Kafka was never missed: this test shows nothing"
    again = sum(max(len(request.answers) - 1, 0) for request in requests)
    assert again > 10
    return f"{dict(counted)}; {again} repeated; {len(accepted)} accepted, {len(late)} late, {len(records)} records"


def assert_in_order(requests, records):
    """A sender sends one request after the other: what was accepted at once stands in the order of sending."""
    sent = defaultdict(list)
    for request in requests:
        if request.accepted and request.answers[0] == 200:
            for each in request.ids:
                sent[each] = len(sent)
    first = defaultdict(list)
    seen = set()
    for record in records:
        each = json.loads(record.value)["interaction_id"]
        if each in sent and each not in seen:
            seen.add(each)
            first[record.key].append(sent[each])
    assert all(order == sorted(order) for order in first.values())
    assert len(first) > SENDERS
