"""Secrets go to the endpoint and nowhere else: not with a redirect, not into an error; a new one is used at once."""

import logging
from urllib.parse import quote

import pytest
from aiohttp import web

from schemas.account import Account, Accounts
from streams.delivery import Delivery
from streams.settings import secret
from tests.streams.delivery.sink import SECRET, Sink, delivery, recent


class Server:
    """Answers as told, and keeps what came."""

    def __init__(self, answer):
        self.answer, self.came = answer, []

    async def __aenter__(self):
        async def take(request):
            self.came.append((request.path_qs, request.query.get("api_secret"), await request.read()))
            return self.answer(request)

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_and_the_other_server_gets_nothing(status, caplog):
    caplog.set_level(logging.DEBUG)
    sink = Sink()
    async with Server(lambda _: web.Response(status=204)) as other:
        redirect = lambda request: web.Response(status=status, headers={"location": other.url + request.path_qs})  # noqa: E731
        async with Server(redirect) as there, delivery(there.url) as to_ga:
            await to_ga.deliver([recent(1), recent(2, client_id="2.2")], sink.is_delivered, sink.settle)
        assert len(there.came) == 2
        assert {came[1] for came in there.came} == {SECRET}
        assert other.came == []
    assert sink.outcomes == ["refused"] * 2
    assert {receipt.status for receipt in sink.receipts} == {status}
    told = caplog.text + str(sink.receipts)
    assert [form for form in (SECRET, quote(SECRET), quote(SECRET, safe=""), other.url) if form in told] == []


async def test_a_secret_that_was_replaced_is_used_from_the_next_request_on(tmp_path):
    """As Kubernetes mounts it: a link to a directory that is moved in one step."""

    def put(version, text):
        (tmp_path / version).mkdir()
        (tmp_path / version / "ga").write_text(text)
        (tmp_path / "..data_tmp").symlink_to(version)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    def only_the_new_one(request):
        return web.Response(status=204 if request.query["api_secret"] == "new-one" else 503)

    put("..1", "old-one")
    (tmp_path / "ga").symlink_to("..data/ga")
    tries = []

    async def sleep(_):
        tries.append(1)
        if len(tries) == 2:
            put("..2", "new-one")

    sink = Sink()
    accounts = Accounts({"acme": Account(api_secrets={"G-ABC1234567": f"file:{tmp_path}/ga"})})
    async with Server(only_the_new_one) as there:
        to_ga = Delivery(accounts, endpoint=there.url, in_flight=1, timeout_s=10, secret=secret)
        async with to_ga:
            to_ga._pace = type(to_ga._pace)(sleep=sleep)
            await to_ga.deliver([recent(1)], sink.is_delivered, sink.settle)
    assert [came[1] for came in there.came] == ["old-one", "old-one", "new-one"]
    assert sink.outcomes == ["delivered"]
    assert sink.receipts[0].attempts == 3
