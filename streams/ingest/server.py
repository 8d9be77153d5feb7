"""The endpoint over HTTP: `POST /v1/<name>` in, an answer out once Kafka has what was sent.

The order of what is asked is the order of what it costs: a place, the headers,
the body, who sent it, how often, what is in it. Nothing is logged of a request.
"""

import logging
import time
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from streams.attribution import RuleBook
from streams.delivery.bucket import Bucket
from streams.ingest import answers
from streams.ingest.answers import Answer
from streams.ingest.authority import bears, has_signed
from streams.ingest.body import CutShort, TooLarge, TooSlow, read_body
from streams.ingest.endpoints import Endpoint, Served
from streams.ingest.errors import CannotListen, Unwritten
from streams.ingest.interactions import Refused, interactions_in
from streams.ingest.places import Places
from streams.ingest.writer import Writer
from streams.observe import metrics
from streams.runs import Record
from streams.settings import Settings, secret

__all__ = ["IngestServer"]

logger: Final = logging.getLogger(__name__)

IDLE_S: Final = 75.0
"""For a connection without a request, or with one whose headers do not end."""
LINGER_S: Final = 1.0
"""What is left of a refused body is thrown away for so long: a sender that is still sending sees no answer."""
END_S: Final = 0.5
"""For answers to be on their way when the server ends."""


class IngestServer:
    """Takes requests, one after the other of each connection."""

    def __init__(self, settings: Settings, endpoints: Mapping[str, Served], rules: RuleBook, writer: Writer) -> None:
        self._settings: Final = settings
        self._endpoints: Final = endpoints
        self._rules: Final = rules
        self._writer: Final = writer
        self._places: Final = Places(settings.ingest_in_flight)
        self._buckets: Final = {name: _bucket(served.endpoint) for name, served in endpoints.items()}
        self._stopping = False
        self._site: web.TCPSite | None = None
        application = web.Application()
        application.router.add_post("/v1/{name}", self._post, expect_handler=self._expect)
        # A logger that says nothing: aiohttp's would quote lines and headers of requests that it cannot parse.
        silent = logging.getLogger(f"{__name__}.http")
        silent.setLevel(logging.CRITICAL + 1)
        self._runner: Final = web.AppRunner(
            application,
            access_log=None,
            logger=silent,
            auto_decompress=False,
            keepalive_timeout=IDLE_S,
            lingering_time=LINGER_S,
            shutdown_timeout=END_S,
        )

    # -- its life -------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the port. Raises CannotListen."""
        host, port = self._settings.ingest_host, self._settings.ingest_port
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port)
        try:
            await self._site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise CannotListen(host, port, error.strerror or str(error)) from None

    async def finish(self, within_s: float) -> bool:
        """Take no more, and finish what was begun; whether that was done in time. Once is as good as twice."""
        self._stopping = True
        site, self._site = self._site, None
        if site is not None:
            await site.stop()
        return await self._places.empty(within_s)

    async def stop(self) -> None:
        """Close all connections."""
        await self._runner.cleanup()

    # -- a request ------------------------------------------------------------------------

    async def _expect(self, request: web.Request) -> web.Response | None:
        """`Expect: 100-continue`: a body that would be refused for its size need not be sent."""
        if (request.content_length or 0) > self._settings.ingest_max_bytes:
            return self._told(answers.TOO_LARGE, request)
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        return None

    async def _post(self, request: web.Request) -> web.Response:
        began = time.monotonic()
        with self._places.one() as has_place:
            try:
                answer = await self._answer(request) if has_place else answers.BUSY
            except Exception as error:  # noqa: BLE001 - the last place where it can be told without what it holds
                _tell(error)
                answer = answers.FAILED
        metrics.INGEST_SECONDS.observe(time.monotonic() - began)
        return self._told(answer, request)

    def _told(self, answer: Answer, request: web.Request) -> web.Response:
        metrics.INGEST_REQUESTS.labels(answer.outcome).inc()
        headers = {**answer.headers, "Server": "chat2ga"}  # aiohttp's would name its version and Python's
        if answer.retry_after_s is not None:
            headers["Retry-After"] = str(answer.retry_after_s)
        if answer.body is None:
            response = web.Response(status=answer.status, headers=headers)
        else:
            response = web.json_response(answer.body, status=answer.status, headers=headers)
        if self._stopping or not request.content.is_eof():
            response.force_close()
        return response

    async def _answer(self, request: web.Request) -> Answer:
        name = request.match_info["name"]
        served = self._endpoints.get(name)
        if served is None:
            return answers.NOT_FOUND
        if self._stopping:
            return answers.NOT_THERE
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return answers.ENCODED
        body = await self._believed(served.endpoint, request)
        if isinstance(body, Answer):
            return body
        bucket = self._buckets[name]
        if not bucket.take(time.monotonic()):
            return answers.throttled(bucket.wait_s(0))
        return await self._written(served, body)

    async def _believed(self, endpoint: Endpoint, request: web.Request) -> bytes | Answer:
        """The body, of somebody who may send. A token is looked at before the body is read."""
        signature = endpoint.signature
        known = None if endpoint.secret is None else secret(endpoint.secret)
        if endpoint.secret is not None and known is None:
            logger.error("there is no secret at %s: requests that need it are answered 503", endpoint.secret)
            return answers.NOT_THERE
        headers = {header.lower(): value for header, value in request.headers.items()}
        if known is not None and signature is None and not bears(known, headers):
            return answers.unauthorised("Bearer")
        body = await self._body(request)
        if isinstance(body, Answer) or signature is None:
            return body
        if known is None or not has_signed(signature, known, headers, body, time.time()):
            return answers.unauthorised("Signature")
        return body

    async def _body(self, request: web.Request) -> bytes | Answer:
        most, within_s = self._settings.ingest_max_bytes, self._settings.ingest_timeout_s
        try:
            return await read_body(request.content, request.content_length, most=most, within_s=within_s)
        except TooLarge:
            return answers.TOO_LARGE
        except TooSlow:
            return answers.SLOW
        except CutShort:
            return answers.CUT_SHORT

    async def _written(self, served: Served, body: bytes) -> Answer:
        arrived_ms = time.time_ns() // 1_000_000
        found = interactions_in(body, served, self._rules, arrived_ms)
        if isinstance(found, Refused):
            return answers.refused(found)
        metrics.INGEST_RECORDS.labels("unknown").inc(found.unknown)
        if found.keyed:
            try:
                await self._writer.write([Record(key, value, arrived_ms) for key, value in found.keyed])
            except Unwritten:
                return answers.NOT_THERE
            metrics.INGEST_RECORDS.labels("written").inc(len(found.keyed))
        return answers.accepted(len(found.keyed), found.unknown)


def _bucket(endpoint: Endpoint) -> Bucket:
    """Of a second's requests, and of one at least."""
    burst = max(1.0, endpoint.requests_per_s)
    return Bucket(endpoint.requests_per_s, burst, burst, time.monotonic())


def _tell(error: Exception) -> None:
    """By its name and its place: its arguments, and a trace with them, may hold what was sent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    at = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    logger.error("this is a bug in chat2ga: %s at %s", type(error).__name__, at)
