"""Every private thing of Faust, mode and aiokafka that this package leans on.

One place, so that whoever raises a pinned version sees what to look at; the
contract tests ask for each of them by this list. Read with faust-streaming
0.15.3, mode-streaming 0.7.1 and aiokafka 0.14.0.
"""

from typing import Final

__all__ = ["LEANS_ON"]

LEANS_ON: Final[dict[str, tuple[str, ...]]] = {
    # Replaced by RunConsumer: delivery, acknowledgement, commit, and the seek that follows a rebalance.
    "faust.transport.drivers.aiokafka:Consumer": (
        "_drain_messages",
        "_new_consumer_thread",
        "_get_active_partitions",
        "_getmany",
        "_commit",
        "_wait_for_ack",
        "perform_seek",
        "ack",
        "commit",
        "wait_empty",
        "on_buffer_drop",
        "resume_flow",
        "on_partitions_assigned",
        "on_partitions_revoked",
        "highwaters",
        "earliest_offsets",
        "seek_to_committed",
        "verify_event_path",
    ),
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread": (
        "_fetch_records",
        "_create_worker_consumer",
        "_ensure_consumer",
        "on_start",
        "call_thread",
        "seek",
        "seek_to_beginning",
        "on_partitions_revoked",
        "on_thread_stop",
    ),
    "faust.transport.drivers.aiokafka:Producer": (
        "_settings_extra",
        "_producer",
        "_ensure_producer",
        "_new_producer",
    ),
    "faust.transport.drivers.aiokafka:Transport": ("Consumer", "Producer"),
    "faust.app.base:App": (
        "_new_transport",
        "_new_producer_transport",
        "_create_directories",
        "on_rebalance_end",
        "rebalancing",
        "rebalancing_count",
        "_on_partitions_revoked",
        "_on_rebalance_when_stopped",
        "_consumer_wait_empty",
        "consumer_generation_id",
    ),
    "faust.tables.recovery:Recovery": (
        "completed",
        "in_recovery",
        "active_remaining",
        "revoke",
        "signal_recovery_start",
        "_wait",
        "on_rebalance",
        "_slurp_changelogs",
        "_restart_recovery",
    ),
    "faust.tables.manager:TableManager": ("changelog_topics", "recovery", "_recovery"),
    "faust.tables.base:Collection": (
        "on_changelog_event",
        "apply_changelog_batch",
        "on_rebalance",
        "on_recovery_completed",
        "persisted_offset",
        "on_start",
    ),
    "aiokafka:AIOKafkaProducer": (
        "create_batch",
        "send_batch",
        "partitions_for",
        "begin_transaction",
        "send_offsets_to_transaction",
        "commit_transaction",
        "abort_transaction",
    ),
    "aiokafka:AIOKafkaConsumer": ("_coordinator", "_fetcher", "_isolation_level"),
    # A request of our own: topic ids are in no answer that aiokafka asks for.
    "aiokafka.client:AIOKafkaClient": ("get_random_node", "send"),
    "aiokafka.protocol.api:Request": ("prepare", "build"),
    "aiokafka.consumer.subscription_state:SubscriptionState": ("fetch_context", "fetcher_idle_time", "subscription"),
    "aiokafka.consumer.subscription_state:TopicPartitionState": ("position", "has_valid_position"),
    "aiokafka.consumer.group_coordinator:GroupCoordinator": (
        "_do_heartbeat",
        "_send_req",
        "_maybe_leave_group",
        "_coordination_task",
        "_performed_join_prepare",
        "_rejoin_needed_fut",
    ),
    "aiokafka.producer.message_accumulator:BatchBuilder": ("_builder", "_relative_offset"),
    "aiokafka.record.default_records:DefaultRecordBatchBuilder": ("append",),
    "aiokafka.consumer.fetcher:Fetcher": ("fetched_records", "_records"),
    "aiokafka.consumer.fetcher:FetchResult": ("_partition_records",),
    "aiokafka.consumer.fetcher:PartitionRecords": ("_consumer_record", "_records_iterator"),
}
"""By class, the attributes that are overridden, called, read or set."""
