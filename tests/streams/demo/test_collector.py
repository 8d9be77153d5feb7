import asyncio
import json
import os
import signal
import sys
import time

import httpx
import pytest

from streams.demo.collector import Arrival, Collector, Misbehaviour

GA4 = "/mp/collect?measurement_id=G-A&api_secret=s"


def body(*events, **top):
    return {"client_id": "1.2", "events": list(events or [event()]), **top}


def event(number=1, name="Chatbot_sent", **params):
    return {
        "name": name,
        "timestamp_micros": time.time_ns() // 1_000 - 1_000,
        "params": {"session_id": "17", "engagement_time_msec": 1, "event_id": f"e{number}", **params},
    }


def hit(number=1, **fields):
    return {
        "v": "1",
        "t": "event",
        "tid": "UA-1-1",
        "cid": "1.2",
        "ec": "c",
        "ea": "a",
        "qt": "0",
        "z": f"e{number}",
    } | fields


async def asked(collector, *requests):
    """The statuses of (path, content) posted to it, a dict as JSON to GA4 and as a form to UA."""
    async with collector, httpx.AsyncClient(base_url=collector.url) as client:
        answers = [await post(client, path, content) for path, content in requests]
        return [answer.status_code for answer in answers], (await client.get("/summary")).json()


async def post(client, path, content):
    if isinstance(content, bytes):
        return await client.post(path, content=content)
    if path.startswith("/mp"):
        return await client.post(path, json=content)
    return await client.post(path, data=content)


async def test_it_counts_events_by_name_and_tracker():
    statuses, told = await asked(
        Collector(),
        (GA4, body(event(1), event(2, "Feedback_sent"))),
        (GA4.replace("G-A", "G-B"), body(event(1))),
        ("/collect", hit(1)),
    )
    assert statuses == [204] * 3
    assert told == {
        "requests": 3,
        "requests_failed": 0,
        "events": 4,
        "distinct_events": 4,
        "repeated": 0,
        "repeated_last": [],
        "by_name": {"Chatbot_sent": 2, "Feedback_sent": 1, "a": 1},
        "by_tracker": {"G-A": 2, "G-B": 1, "UA-1-1": 1},
        "violations": {},
        "violations_first": [],
    }


async def test_it_knows_a_repeat_by_event_and_tracker():
    requests = [(GA4, body(event(1), event(1), event(2))), (GA4.replace("G-A", "G-B"), body(event(1)))]
    hits = [("/collect", hit(7)), ("/collect", hit(7, qt="9"))]
    _, told = await asked(Collector(), *requests, *hits)
    assert (told["events"], told["distinct_events"], told["repeated"]) == (6, 4, 2)
    assert told["repeated_last"] == [["e1", "G-A"], ["e7", "UA-1-1"]]


async def test_it_forgets_the_oldest_event_when_it_remembers_enough():
    events = [(GA4, body(event(number))) for number in (1, 2, 3, 2, 1)]
    _, told = await asked(Collector(remember=2), *events)
    assert told["repeated"] == 1


async def test_it_answers_as_google_does_also_to_what_is_wrong_and_says_what_was():
    statuses, told = await asked(
        Collector(secrets={"G-A": "other"}),
        (GA4, b"\xff"),
        (GA4, body(event(name="no name"))),
        ("/collect", hit(v="2")),
    )
    assert statuses == [204] * 3
    assert told["violations"] == {"api_secret": 2, "body": 1, "content_type": 1, "event_name": 1, "hit_form": 1}
    assert {"rule": "event_name", "detail": "'no name'", "first_event": "no name"} in told["violations_first"]


async def test_what_is_sent_for_validation_is_answered_in_googles_form_and_not_taken():
    debug = GA4.replace("/mp", "/debug/mp")
    async with Collector(secrets={"G-A": "s"}) as collector, httpx.AsyncClient(base_url=collector.url) as client:
        good = await client.post(debug, json=body())
        assert (good.status_code, good.json()) == (200, {"validationMessages": []})
        wrong = await client.post(debug.replace("=s", "=t"), json=body(event(name="a b"), client_id="cid.1"))
        assert [(said["fieldPath"], said["validationCode"]) for said in wrong.json()["validationMessages"]] == [
            ("client_id", "VALUE_INVALID"),
            ("events", "NAME_INVALID"),
            ("api_secret", "VALUE_INVALID"),
        ]
        assert (collector.summary()["events"], collector.summary()["violations"]) == (0, {})


async def test_a_client_id_that_is_not_two_numbers_is_taken_as_google_takes_it():
    _, told = await asked(Collector(), (GA4, body(client_id="cid.1")))
    assert (told["events"], told["violations"]) == (1, {})


async def test_it_says_where_events_of_a_client_come_out_of_order_and_a_repeat_is_no_matter_of_it():
    order = {"e1": 1, "e2": 2, "e3": 3}
    _, told = await asked(Collector(order=order), (GA4, body(event(1), event(2))), (GA4, body(event(1))))
    assert told["violations"] == {}
    _, told = await asked(Collector(order=order), (GA4, body(event(1), event(3))), (GA4, body(event(2))))
    assert told["violations"] == {"order": 1}


async def test_it_says_where_a_batch_mixes_clients_and_a_request_repeats_itself():
    lines = "\n".join(str(httpx.QueryParams(hit(number, cid=f"1.{number}"))) for number in (1, 2)).encode()
    _, told = await asked(Collector(), ("/batch", lines), (GA4, body(event(1), event(1))))
    assert told["violations"] == {"request_mixed": 1, "request_repeats": 1}


@pytest.mark.parametrize(
    ("how", "status", "events"),
    [(Misbehaviour(status=400), 400, 0), (Misbehaviour(status=403), 403, 0), (Misbehaviour(status=302), 302, 0)],
)
async def test_it_refuses_on_request(how, status, events):
    collector = Collector()
    collector.misbehave(how)
    statuses, told = await asked(collector, (GA4, body()))
    assert (statuses, told["events"], told["requests_failed"]) == ([status], events, 1)


async def test_samples_of_violations_and_labels_are_bounded():
    many = [(GA4, body(*(event(f"{n}-{i}", f"bad name {n}{i}") for i in range(25)))) for n in range(6)]
    _, told = await asked(Collector(), *many)
    assert told["violations"] == {"event_name": 150}
    assert len(told["violations_first"]) == 100


async def test_a_batch_is_as_many_hits_as_it_has_lines():
    lines = "\n".join(str(httpx.QueryParams(hit(number))) for number in range(21)).encode()
    _, told = await asked(Collector(), ("/batch", lines))
    assert (told["requests"], told["events"], told["violations"]) == (1, 21, {"batch_hits": 1})


@pytest.mark.parametrize(
    ("how", "statuses", "events"),
    [
        pytest.param(Misbehaviour(status=503), [503, 204], 1, id="it takes nothing that it refuses"),
        pytest.param(Misbehaviour(status=200), [200, 204], 2, id="another 2xx is as good"),
        pytest.param(Misbehaviour(status=429, times=2), [429, 429], 0, id="as often as asked"),
        pytest.param(Misbehaviour(answer_bytes=9), [204, 204], 2, id="a body where Google has none"),
    ],
)
async def test_it_misbehaves_on_request(how, statuses, events):
    collector = Collector()
    collector.misbehave(how)
    answered, told = await asked(collector, (GA4, body(event(1))), (GA4, body(event(2))))
    assert (answered, told["events"]) == (statuses, events)


@pytest.mark.parametrize(("drop", "events"), [("untaken", 0), ("taken", 1)])
async def test_it_drops_the_connection_before_or_after_taking_the_request(drop, events):
    async with Collector() as collector, httpx.AsyncClient(base_url=collector.url) as client:
        collector.misbehave(Misbehaviour(drop=drop))
        with pytest.raises(httpx.TransportError):
            await client.post(GA4, json=body())
        assert collector.summary()["events"] == events
        assert collector.summary()["requests_failed"] == 1


async def test_it_takes_a_delayed_request_before_it_answers():
    taken: asyncio.Queue[Arrival] = asyncio.Queue()
    async with Collector(on_arrival=taken.put_nowait) as collector:
        collector.misbehave(Misbehaviour(delay_s=60))
        async with httpx.AsyncClient(base_url=collector.url) as client:
            posting = asyncio.create_task(client.post(GA4, json=body(event(3))))
            arrival = await taken.get()
            assert not posting.done()
            posting.cancel()
    assert (arrival.event_id, arrival.tracker_id, arrival.client_id) == ("e3", "G-A", "1.2")


async def test_misbehaviour_can_be_asked_for_over_http():
    async with Collector() as collector, httpx.AsyncClient(base_url=collector.url) as client:
        asked_for = {"status": 503, "retry_after": "7", "times": 2}
        assert (await client.post("/misbehave", json=asked_for)).status_code == 204
        answer = await client.post(GA4, json=body())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        wrong = await client.post("/misbehave", json={"statsu": 503})
        assert wrong.status_code == 400
        assert "statsu" in wrong.text


async def test_a_schedule_says_how_the_nth_request_is_treated():
    schedule = {1: Misbehaviour(status=500)}.get
    statuses, _ = await asked(Collector(schedule=schedule), *[(GA4, body(event(n))) for n in range(3)])
    assert statuses == [204, 500, 204]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_runs_alone_and_stops_when_told(number):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.demo.collector", "--port", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[3].rstrip(";")
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/healthz")).text == "ok\n"
        assert (await client.post(GA4, json=body())).status_code == 204
        assert json.loads((await client.get("/summary")).text)["events"] == 1
    process.send_signal(number)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
