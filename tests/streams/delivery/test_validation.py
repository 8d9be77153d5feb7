"""Sample events through a validation server, on a real HTTP connection."""

import json
import traceback
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from schemas.account import Account
from streams.delivery import CannotValidate, Message, Validation
from streams.demo.collector import Collector, Misbehaviour
from streams.measurement import Due, Request, pack
from tests.kafka import free_ports
from tests.streams.delivery.sink import SECRET, micros, recent
from tests.streams.measurement.made import G


def request(event):
    (only,) = pack([Due(event, G)], Account(), micros())
    assert isinstance(only, Request)
    return only


async def asked(endpoint, event=None, timeout_s=5.0):
    async with Validation(endpoint, timeout_s) as validation:
        return await validation(request(event or recent()), "global", SECRET)


@asynccontextmanager
async def answering(handler):
    app = web.Application()
    app.add_routes([web.post("/{path:.*}", handler)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_nothing_is_wrong_with_an_event_that_is_right():
    async with Collector(secrets={"G-ABC1234567": SECRET}) as there:
        assert await asked(there.url) == ()
        assert there.summary()["events"] == 0


async def test_what_is_wrong_is_told_by_field_and_code():
    async with Collector() as there:
        (only,) = await asked(there.url, recent(client_id="cid.1"))
    assert (only.field_path, only.validation_code) == ("client_id", "VALUE_INVALID")
    assert "[cid.1]" in only.description


async def test_the_request_is_the_one_that_is_sent_at_another_path_and_as_strict_as_can_be():
    seen = []

    async def handler(given):
        seen.append((given.path, dict(given.query), await given.json()))
        return web.json_response({"validationMessages": []})

    event = recent()
    async with answering(handler) as url:
        await asked(f"{url}/prefix", event)
    ((path, query, body),) = seen
    assert path == "/prefix/debug/mp/collect"
    assert query == {"measurement_id": "G-ABC1234567", "api_secret": SECRET}
    assert body.pop("validation_behavior") == "ENFORCE_RECOMMENDATIONS"
    assert body == json.loads(request(event).encoded)


async def test_a_secret_that_the_server_repeats_is_masked():
    async def handler(given):
        wrong = {"fieldPath": "api_secret", "description": f"no {given.query['api_secret']}", "validationCode": "X"}
        return web.json_response({"validationMessages": [wrong]})

    async with answering(handler) as url:
        assert await asked(url) == (Message("api_secret", "no **********", "X"),)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "API secret"),
        (403, "API secret"),
        (404, "unset CHAT2GA_GA_ENDPOINT"),
        (302, "Try again"),
        (503, "Try again"),
    ],
)
async def test_a_server_that_does_not_answer_the_question_is_an_error_with_the_remedy(status, remedy):
    async with Collector() as there:
        there.misbehave(Misbehaviour(status=status))
        with pytest.raises(CannotValidate) as raised:
            await asked(there.url)
    assert f"status {status}" in str(raised.value)
    assert remedy in str(raised.value)
    assert there.url in str(raised.value)


@pytest.mark.parametrize("said", [b"", b"ok", b"[]", b"{}", b"\xff", b"x" * 2_000_000], ids=len)
async def test_an_answer_of_something_else_is_an_error(said):
    async def handler(_given):
        return web.Response(body=said)

    async with answering(handler) as url:
        with pytest.raises(CannotValidate, match="not that of a validation server"):
            await asked(url)


async def test_no_answer_and_nobody_there_are_errors_that_hold_no_address():
    async with Collector() as there:
        there.misbehave(Misbehaviour(delay_s=60))
        with pytest.raises(CannotValidate, match=r"no answer within 0\.2 s") as slow:
            await asked(there.url, timeout_s=0.2)
    with pytest.raises(CannotValidate, match="cannot be reached") as gone:
        await asked(f"http://127.0.0.1:{free_ports(1)[0]}")
    for raised in (slow, gone):
        told = "".join(traceback.format_exception(raised.value))
        assert SECRET not in told
        assert "api_secret" not in told


def test_by_region_it_asks_google_where_events_of_the_region_go():
    validation = Validation(None, 1.0)
    assert [validation.host(region) for region in ("global", "eu")] == [
        "https://www.google-analytics.com",
        "https://region1.google-analytics.com",
    ]
    assert Validation("http://here", 1.0).host("eu") == "http://here"
