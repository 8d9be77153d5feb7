"""Asking the brokers: again and again, told meanwhile, and given up only where it is of no use."""

import asyncio
import logging

import pytest
from aiokafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    TopicAuthorizationFailedError,
)

from streams.runs import RunApp, asking
from streams.runs.asking import until_answered
from streams.runs.errors import Unanswered


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(asking, "PAUSE_S", 0.0)
    monkeypatch.setattr(asking, "TELL_S", 0.05)


@pytest.fixture
async def app():
    return RunApp("test", broker="kafka://127.0.0.1:1")


def answers(*answers):
    """Each in its turn: raised, or given."""
    left = iter(answers)

    async def ask():
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


async def test_what_passes_is_asked_again_and_told(app, caplog):
    ask = answers(KafkaTimeoutError(), LeaderNotAvailableError(), KafkaConnectionError(), 7)
    assert await until_answered(app, "where changelog[0] ends", ask) == 7
    assert caplog.text.count("test: no broker tells where changelog[0] ends") == 3


async def test_a_silence_is_told_of_while_it_lasts(app, caplog):
    async def ask():
        async with asyncio.timeout(10):
            while "yet" not in caplog.text:  # noqa: ASYNC110 - a log
                await asyncio.sleep(0.01)
        return 7

    with caplog.at_level(logging.WARNING):
        assert await until_answered(app, "where changelog[0] ends", ask) == 7
    assert "test: no broker tells where changelog[0] ends yet" in caplog.text


async def test_what_does_not_pass_is_an_error_that_names_what_was_asked(app):
    with pytest.raises(Unanswered, match=r"where changelog\[0\] ends: TopicAuthorizationFailedError"):
        await until_answered(app, "where changelog[0] ends", answers(TopicAuthorizationFailedError("changelog")))


async def test_that_a_rebalance_has_taken_the_partition_is_the_callers_to_know(app):
    with pytest.raises(IllegalStateError):
        await until_answered(app, "where changelog[0] ends", answers(IllegalStateError()))


async def test_nobody_asks_on_for_an_app_that_stops(app):
    app._stopped.set()
    with pytest.raises(KafkaTimeoutError):
        await until_answered(app, "where changelog[0] ends", answers(KafkaTimeoutError()))
