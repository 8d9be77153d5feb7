"""A hastened sender, on aiokafka's own: how long it waits before a transaction can begin."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.producer.sender import Sender
from aiokafka.producer.transaction_manager import TransactionManager

from streams.runs import hastened

CONCURRENT, LOADING = 51, 14
AT = TopicPartition("out", 0)


class Client:
    """A broker's answers to the request that adds a partition to a transaction: an error, or none."""

    _client_id = "test"

    def __init__(self, code):
        self.code = code

    async def coordinator_lookup(self, _kind, _key):
        return 1

    async def ready(self, _node_id, **_options):
        return True

    async def send(self, _node_id, _request, **_options):
        return SimpleNamespace(errors=[(AT.topic, [(AT.partition, self.code)])])


@pytest.mark.parametrize(
    ("code", "begun", "pauses"),
    [
        pytest.param(0, False, [], id="it begins"),
        pytest.param(CONCURRENT, False, [hastened.MARKED_S], id="the one before is being marked"),
        pytest.param(CONCURRENT, True, [0.1], id="this one is being changed"),
        pytest.param(LOADING, False, [0.1], id="its log is being loaded"),
    ],
)
async def test_the_end_of_the_transaction_before_is_waited_for_shortly(monkeypatch, code, begun, pauses):
    waited = []

    async def wait(seconds):
        waited.append(seconds)

    transactions = TransactionManager("id", 60_000)
    transactions.set_pid_and_epoch(1, 0)
    transactions.begin_transaction()
    transactions.maybe_add_partition_to_txn(AT)
    if begun:
        transactions._txn_partitions.add(TopicPartition("changelog", 0))
    sender = Sender(
        Client(code),
        acks=-1,
        txn_manager=transactions,
        message_accumulator=None,
        retry_backoff_ms=100,
        request_timeout_ms=1000,
    )
    hastened.hasten(sender)
    monkeypatch.setattr(asyncio, "sleep", wait)
    await sender._do_add_partitions_to_txn({AT})
    assert waited == pauses
    assert (AT in transactions.txn_partitions) == (code == 0)
