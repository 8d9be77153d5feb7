"""The proof of delivery, at a size for every day: `make prove-delivery` is the same at a hundred thousand sessions."""

import inspect
import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from streams.delivery import gate
from tests.guarantees.broken import program
from tests.guarantees.delivery import prove, prove_failing, prove_refusing
from tests.guarantees.harness import Chat2ga, secrets
from tests.guarantees.proving import BREAKER_OPENS, SETTINGS, Proof
from tests.guarantees.ways import Failing
from tests.streams.cli.command import ROOT


@pytest.fixture
async def failing():
    async with Failing(secrets=secrets()) as collector:
        yield collector


@pytest.fixture
def proving(kafka, prefix, tmp_path, failing):
    with Chat2ga(kafka, prefix, tmp_path, google=failing, **SETTINGS) as ours:
        yield ours


async def test_everything_due_arrives_once(proving, failing):
    proof = await prove(proving, failing, sessions=500, seed=1)
    assert proof.holds, proof.verdict
    # What the judge of all scenarios expects, which keeps everything: the same.
    want = await proving.expected()
    assert proof.figures["outcomes"] == Counter(want.receipts.values())
    assert set(proof.figures["outcomes"]) == {"delivered", "plan", "no_secret"}
    assert proof.figures["arrivals"] == len(want.delivered)
    assert proof.figures["dead_letters"] == len(want.dead_letters)
    assert {tracker[:2] for _, tracker in failing.arrived()} == {"G-", "UA"}


async def test_everything_due_arrives_while_every_second_request_fails_in_all_ways(proving, failing):
    proof = await prove_failing(proving, failing, sessions=100, seed=2)
    assert proof.holds, proof.verdict
    assert proof.figures["repeats"] > 0, "nothing was lost on its way back: this shows nothing"
    assert max(proof.figures["attempts"]) > 1


async def test_what_is_refused_is_told_of_and_arrives_once_it_is_put_back(proving, failing):
    proof = await prove_refusing(proving, failing, sessions=300, seed=3)
    assert proof.holds, proof.verdict
    assert proof.figures["outcomes"]["refused"] == proof.figures["refused"] > 0
    assert proof.figures["outcomes"]["repeated"] > 0, "no event has one tracker that refused it and one that took it"


async def test_a_worker_that_does_not_try_again_is_seen(proving, failing):
    proof = await prove_failing(proving, failing, sessions=100, seed=4, program=program(guard="one_try"))
    assert {"missing_at_ga", "delivered"} <= proof.verdict.faults.keys(), proof.verdict


def test_the_command(kafka, tmp_path):
    given = ["--sessions", "60", "--failing", "0", "--refusing", "40", "--seed", "5", "--json", tmp_path / "proof.json"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.guarantees.delivery", *map(str, given)],
        cwd=ROOT,
        env={**os.environ, "CHAT2GA_TEST_BROKER": kafka.url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    well, refused = json.loads((tmp_path / "proof.json").read_text())["runs"]
    assert (well["run"], well["holds"], well["sessions"]) == ("all is well", True, 60)
    assert well["requests"] == well["requests_taken"] > 0
    assert well["outcomes"]["delivered"] == well["arrivals"]
    assert refused["holds"]
    assert f"{well['interactions']:,}" in done.stdout
    assert "all is well: holds" in done.stdout


def test_what_differs_is_told_with_its_first_places():
    proof = Proof("some run")
    proof.verdict.wrong("missing_at_ga", *range(9))
    assert not proof.holds
    assert proof.as_json()["violations"] == {"missing_at_ga": {"count": 9, "first": ["0", "1", "2", "3", "4"]}}


def test_the_worker_says_of_a_breaker_that_opens_what_is_counted():
    assert BREAKER_OPENS in inspect.getsource(gate)
