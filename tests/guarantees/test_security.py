"""TLS and SASL: they work, or the worker and `check` end at once with one line that says what to mend.

Passwords are nowhere in what is written, at the most talkative level.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kafka import WorkerProcess, Written, create_topics, produce, until_read
from tests.kafka.secure import PASSWORD, USER

ROOT = Path(__file__).parents[2]
AT_ONCE_S = 15.0
WRONG = "not-the-password-at-all"

MESSAGE = (
    b'{"type":"visitor_message","account_id":"acme","session_id":"s1","timestamp":"2026-01-31T12:00:00Z","text":"hi"}'
)


def tls(kafka, **more):
    return {"broker_security": "tls", "broker_ca_file": kafka.authority, **more}


def sasl(kafka, mechanism="PLAIN", password=PASSWORD, **more):
    return {
        "broker_security": "sasl_plaintext",
        "broker_sasl_mechanism": mechanism,
        "broker_username": USER,
        "broker_password": password,
        **more,
    }


def both(kafka, mechanism="SCRAM-SHA-512", **more):
    return sasl(kafka, mechanism, broker_ca_file=kafka.authority, **more) | {"broker_security": "sasl_tls"}


def with_certificate(kafka):
    return tls(kafka, broker_cert_file=kafka.client, broker_key_file=kafka.client)


def worker_at(kafka, listener, directory, prefix, **settings):
    return WorkerProcess(
        kafka.cluster.url_of(listener),
        directory,
        only="attribute",
        topic_prefix=prefix,
        partitions=1,
        log_level="debug",
        **settings,
    )


def check_at(kafka, listener, **settings):
    """`chat2ga check` there: exit code and all that it says."""
    given = {"broker": kafka.cluster.url_of(listener), **settings}
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "check"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "COLUMNS": "1000",
            **{f"CHAT2GA_{name.upper()}": str(value) for name, value in given.items()},
        },
        capture_output=True,
        text=True,
        timeout=AT_ONCE_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


RIGHT = {
    "TLS": ("TLS", tls),
    "TLS with a certificate of the client": ("MUTUAL", with_certificate),
    "SASL PLAIN": ("SASL", sasl),
    "SASL SCRAM-SHA-256": ("SASL", lambda kafka: sasl(kafka, "SCRAM-SHA-256")),
    "SASL SCRAM-SHA-512": ("SASL", lambda kafka: sasl(kafka, "SCRAM-SHA-512")),
    "SASL PLAIN over TLS": ("SASLTLS", lambda kafka: both(kafka, "PLAIN")),
    "SASL SCRAM-SHA-512 over TLS": ("SASLTLS", both),
}

WRONGS = {
    "wrong password, PLAIN": ("SASL", lambda kafka: sasl(kafka, password=WRONG), "CHAT2GA_BROKER_PASSWORD"),
    "wrong password, SCRAM": (
        "SASLTLS",
        lambda kafka: both(kafka, "SCRAM-SHA-256", password=WRONG),
        "CHAT2GA_BROKER_PASSWORD",
    ),
    "no password": (
        "SASL",
        lambda _: {"broker_security": "sasl_plaintext", "broker_username": USER},
        "CHAT2GA_BROKER_PASSWORD: missing",
    ),
    "expired certificate": ("EXPIRED", tls, "certificate has expired"),
    "another host's certificate": ("OTHERHOST", tls, "certificate is not for 127.0.0.1"),
    "unknown authority": ("STRANGER", tls, "CHAT2GA_BROKER_CA_FILE"),
    "no authority given": ("TLS", lambda _: {"broker_security": "tls"}, "CHAT2GA_BROKER_CA_FILE"),
    "an authority's file that is not there": (
        "TLS",
        lambda kafka: tls(kafka) | {"broker_ca_file": "/nowhere/ca.pem"},
        "CHAT2GA_BROKER_CA_FILE",
    ),
    "no certificate of the client": ("MUTUAL", tls, "CHAT2GA_BROKER_CERT_FILE"),
    "SASL where there is only TLS": ("TLS", both, "does not speak SASL"),
    "TLS where there is none": ("SASL", tls, "CHAT2GA_BROKER_SECURITY"),
    "in the clear where there is TLS": ("TLS", lambda _: {}, "CHAT2GA_BROKER_SECURITY"),
    "in the clear where there is SASL": ("SASL", lambda _: {}, "CHAT2GA_BROKER_SECURITY"),
}


def cases(of):
    return pytest.mark.parametrize(of[0], [pytest.param(*case, id=name) for name, case in of[1].items()])


@cases((("listener", "settings"), RIGHT))
async def test_the_worker_works_over(secure_kafka, prefix, tmp_path, listener, settings):
    await create_topics(secure_kafka.bootstrap, f"{prefix}chat-interactions", partitions=1)
    await produce(secure_kafka.bootstrap, f"{prefix}chat-interactions", [Written(b"acme/s/s1", MESSAGE)])
    worker = worker_at(secure_kafka, listener, tmp_path, prefix, **settings(secure_kafka))
    async with worker:
        (event,) = await until_read(secure_kafka.bootstrap, f"{prefix}ga-events", 1)
        assert b"Visitor_started_conversation" in event.value
    assert worker.process.exit_code == 0, worker.process.tail()
    assert PASSWORD not in worker.process.text()


@cases((("listener", "settings"), RIGHT))
def test_check_finds_no_fault_over(secure_kafka, listener, settings):
    code, said = check_at(secure_kafka, listener, **settings(secure_kafka))
    assert code == 0, said
    assert PASSWORD not in said


@cases((("listener", "settings", "remedy"), WRONGS))
async def test_the_worker_ends_at_once_with_one_line_at(secure_kafka, prefix, tmp_path, listener, settings, remedy):
    began = time.monotonic()
    worker = worker_at(secure_kafka, listener, tmp_path, prefix, **settings(secure_kafka)).start()
    code = await asyncio.to_thread(worker.process.wait, AT_ONCE_S)
    said = worker.process.text()
    assert code == 1, said
    assert time.monotonic() - began < AT_ONCE_S
    (line,) = [line for line in said.splitlines() if line.startswith("chat2ga:") or '"level":"error"' in line]
    assert remedy in line
    assert "Traceback" not in said
    assert "this is a bug" not in said
    assert PASSWORD not in said
    assert WRONG not in said


@cases((("listener", "settings", "remedy"), WRONGS))
def test_check_says_in_one_line_what_to_mend_at(secure_kafka, listener, settings, remedy):
    code, said = check_at(secure_kafka, listener, **settings(secure_kafka))
    assert code == 1, said
    (line,) = [line for line in said.splitlines() if "FAULT" in line]
    assert remedy in line
    assert PASSWORD not in said
    assert WRONG not in said
