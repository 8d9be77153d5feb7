"""What is promised under every fault, shown on a real Kafka: docs/guarantees.md has the table.

A scenario feeds random sessions to real workers, does something to them, and lets
the judge compare what Kafka and the collector hold in the end with what the core
makes of the same input:

    await chat2ga.feed(sessions=3_000, seed=1)
    chat2ga.start("a", only="attribute")
    await chat2ga.progressed(2_000)
    chat2ga.kill("a")
    chat2ga.start("a", only="attribute")
    await chat2ga.caught_up()
    assert (await chat2ga.verdict()).faults == {}
"""

from tests.guarantees.feeding import Feeder, records_of
from tests.guarantees.google import Google
from tests.guarantees.harness import Chat2ga
from tests.guarantees.judge import Expected, Verdict, expected, judge

__all__ = ["Chat2ga", "Expected", "Feeder", "Google", "Verdict", "expected", "judge", "records_of"]
