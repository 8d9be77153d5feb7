"""No secret and no password is in anything that a worker writes, at the most talkative level, whatever GA does."""

import asyncio
import base64
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest

from schemas.ga_event import Tracker, encode_event
from schemas.receipt import decode_receipt
from streams.demo.collector import Collector, Misbehaviour
from streams.settings import Settings
from streams.worker.topics import ensure_topics
from tests.guarantees.test_security import both
from tests.kafka import WorkerProcess, Written, produce, read_topic
from tests.kafka.secure import PASSWORD
from tests.streams.measurement.made import made

ROOT = Path(__file__).parents[2]
SECRETS = {"G-ENV": "from/the+env&iron=ment?é", "G-FILE": "from/the file%20&more", "G-MOUNTED": "mounted:s3cr3t/old+"}
ROTATED = "mounted:s3cr3t/new+"
ACCOUNTS = """
[accounts.acme.api_secrets]
"G-ENV" = "env:ACME_SECRET"
"G-FILE" = "file:{0}/plain"
"G-MOUNTED" = "file:{0}/mounted/ga"
"""
TROUBLE = (
    Misbehaviour(status=500, times=5, answer_bytes=300),
    Misbehaviour(status=429, retry_after="0", times=3),
    Misbehaviour(status=403, times=3),
    Misbehaviour(status=307, times=2),
    Misbehaviour(drop="untaken", times=3),
    Misbehaviour(drop="taken", times=2),
    Misbehaviour(delay_s=3, times=2),
    Misbehaviour(status=204, answer_bytes=200_000, times=2),
)


def forms(secret):
    """All ways in which it could stand in a text."""
    raw = secret.encode()
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(raw)[2:-1],
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        raw.hex(),
    }


FORMS = {form: secret for secret in (*SECRETS.values(), ROTATED, PASSWORD) for form in forms(secret)}


def found_in(text):
    return {form for form in FORMS if form in text}


def title_of(pid):
    return "".join(Path(f"/proc/{pid}/{name}").read_text() for name in ("cmdline", "comm"))


@pytest.mark.parametrize("secret", [*SECRETS.values(), ROTATED, PASSWORD])
def test_a_secret_would_be_found_however_it_is_written(secret):
    url = str(httpx.URL("https://example.com/mp/collect", params={"api_secret": secret}))
    for text in (secret, url, str({"secret": secret}), json.dumps([secret]), repr(secret.encode())):
        assert found_in(f"GET {text} HTTP/1.1"), text


def put(mounted, version, secret):
    (mounted / version).mkdir(parents=True)
    (mounted / version / "ga").write_text(secret)
    (mounted / "..data_tmp").symlink_to(version)
    (mounted / "..data_tmp").rename(mounted / "..data")


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    """The sources of all of them, as accounts.toml names them."""
    monkeypatch.setenv("ACME_SECRET", SECRETS["G-ENV"])
    (tmp_path / "plain").write_text(SECRETS["G-FILE"])
    put(tmp_path / "mounted", "..1", SECRETS["G-MOUNTED"])
    (tmp_path / "mounted" / "ga").symlink_to("..data/ga")
    (tmp_path / "accounts.toml").write_text(ACCOUNTS.format(tmp_path))
    return {"G-ENV": SECRETS["G-ENV"], "G-FILE": SECRETS["G-FILE"], "G-MOUNTED": SECRETS["G-MOUNTED"]}


async def fill(kafka, prefix, first, count):
    now = time.time_ns() // 1_000
    events = [
        made(
            number,
            client_id=f"{number}.1700000000",
            timestamp_micros=now - 60_000_000,
            trackers=tuple(Tracker(tracker, "1700000000") for tracker in SECRETS),
        )
        for number in range(first, first + count)
    ]
    await produce(
        kafka.bootstrap,
        f"{prefix}ga-events",
        [Written(b"acme/s/%d" % n, encode_event(e)) for n, e in enumerate(events)],
    )


async def settled(kafka, prefix, count, worker):
    end = time.monotonic() + 60
    while True:
        receipts = [decode_receipt(each.value) for each in await read_topic(kafka.bootstrap, f"{prefix}ga-receipts")]
        if len(receipts) >= count:
            return receipts
        assert time.monotonic() < end, worker.process.tail(15)
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("style", ["json", "console"])
async def test_no_secret_is_in_anything_that_is_written(secure_kafka, prefix, tmp_path, secrets, style):
    await ensure_topics(Settings(broker=secure_kafka.url, topic_prefix=prefix))
    async with Collector(secrets=secrets) as collector:
        for trouble in TROUBLE:
            collector.misbehave(trouble)
        settings = {
            **both(secure_kafka),
            "topic_prefix": prefix,
            "accounts": tmp_path / "accounts.toml",
            "ga_endpoint": collector.url,
            "ga_timeout_s": 1,
            "ga_in_flight": 4,
        }
        url = secure_kafka.cluster.url_of("SASLTLS")
        await fill(secure_kafka, prefix, 0, 20)
        worker = WorkerProcess(url, tmp_path / "w", log_level="debug", log_format=style, **settings)
        async with worker:
            receipts = await settled(secure_kafka, prefix, 60, worker)
            assert {receipt.outcome for receipt in receipts} >= {"delivered", "refused"}
            assert max(receipt.attempts for receipt in receipts) > 1
            # The mounted one is replaced while the worker works: its next requests carry the new one.
            put(tmp_path / "mounted", "..2", ROTATED)
            secrets["G-MOUNTED"] = ROTATED
            await fill(secure_kafka, prefix, 100, 10)
            await settled(secure_kafka, prefix, 90, worker)
            seen = {
                "metrics": await worker.get("/metrics"),
                "healthz": await worker.get("/healthz"),
                "title": title_of(worker.process.pid),
            }
        assert worker.process.exit_code == 0, worker.process.tail(15)
        assert collector.summary()["violations"] == {}, "every request carried the secret of its tracker"
    seen["stdout and stderr"] = worker.process.text()
    for topic in ("ga-events", "ga-receipts", "dead-letters", "chat2ga-ledger-changelog"):
        records = await read_topic(secure_kafka.bootstrap, f"{prefix}{topic}")
        assert records, topic
        seen[topic] = "\n".join(f"{each.key!r} {(each.value or b'').decode(errors='replace')}" for each in records)
    seen["check"] = await asyncio.to_thread(said, "check", broker=url, **settings)
    seen["receipts"] = await asyncio.to_thread(said, "receipts", broker=url, **settings)
    seen["dead-letters"] = await asyncio.to_thread(said, "dead-letters", "list", broker=url, **settings)
    assert "debug" in seen["stdout and stderr"].lower(), "nothing is logged at debug level: this shows nothing"
    assert all(seen.values())
    assert {where: leaked for where, text in seen.items() if (leaked := found_in(text))} == {}


def said(*arguments, **settings):
    given = {f"CHAT2GA_{name.upper()}": str(value) for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments, "--debug"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "1000", "ACME_SECRET": SECRETS["G-ENV"], **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
