"""`explain --live` beside workers: what it says that their table holds is what they came to."""

from random import Random

import pytest

from schemas.options import Options
from streams.attribution import RuleBook
from streams.inspect.explaining import explain_live
from streams.replay import Named, agreement
from streams.settings import Settings
from tests.guarantees.harness import ACCOUNTS, GROUP

SESSIONS = 8


@pytest.mark.parametrize("guarantee", ["at_least_once", "exactly_once"])
async def test_the_table_of_a_worker_that_was_killed_holds_what_its_records_explain(chat2ga, guarantee):
    chat2ga.settings["processing_guarantee"] = guarantee
    total = await chat2ga.feed(sessions=3_000, seed=31)
    chat2ga.start("a")
    await chat2ga.progressed(total // 3)
    chat2ga.kill("a")
    chat2ga.start("a")
    await chat2ga.caught_up()
    await chat2ga.stop_all()

    settings = Settings(broker=chat2ga.kafka.url, topic_prefix=chat2ga.prefix, group=GROUP)
    every = sorted({record.key for record in await chat2ga.read(f"{chat2ga.prefix}ga-events")})
    for key in Random(1).sample(every, SESSIONS):
        (explanation,) = await explain_live(settings, Named(key.decode()), RuleBook(Options(), ACCOUNTS))
        assert explanation.stored is not None, key
        found = agreement(explanation.steps, explanation.stored)
        assert (found.differences, found.other_session, found.further) == ((), False, False), key
        assert (found.applied, found.pending) == (len(explanation.steps), 0)
