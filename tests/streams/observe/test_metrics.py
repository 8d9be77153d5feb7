"""Metrics: each defined once, named alike, with labels from small fixed sets."""

import inspect
from typing import get_args

import pytest
from prometheus_client import Gauge
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from schemas.codes import CODES, Code
from schemas.dead_letter import Stage
from schemas.ga_event import EventName
from schemas.receipt import Outcome
from streams.observe import metrics
from streams.observe.metrics import METRICS, REGISTRY, Labelled


def unwrapped(metric):
    return metric.metric if isinstance(metric, Labelled) else metric


def families():
    return {family.name: family for family in text_string_to_metric_families(metrics.exposition().decode())}


def series(name):
    return [sample.labels for family in families().values() for sample in family.samples if sample.name == name]


def test_every_metric_of_the_module_is_listed_once_and_exported():
    defined = {
        name: value for name, value in inspect.getmembers(metrics) if isinstance(value, (Labelled, MetricWrapperBase))
    }
    assert set(defined) <= set(metrics.__all__)
    assert sorted(map(id, defined.values())) == sorted(map(id, METRICS))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: unwrapped(metric)._name)
def test_every_metric_has_the_prefix_a_help_text_and_is_shown(metric):
    family = unwrapped(metric).describe()[0]
    assert family.name.startswith("chat2ga_")
    assert family.documentation.endswith(".")
    assert families()[family.name].documentation == family.documentation


@pytest.mark.parametrize("metric", [m for m in METRICS if isinstance(m, Labelled)], ids=lambda m: m.metric._name)
def test_labels_are_small_fixed_sets_partitions_apart(metric):
    fixed = {name: values for name, values in metric.label_values.items() if values}
    assert set(metric.label_values) - set(fixed) in (set(), {"topic", "partition"})
    assert all(len(values) <= 20 for values in fixed.values())


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("chat2ga_events_total", "name", get_args(EventName)),
        ("chat2ga_receipts_total", "outcome", get_args(Outcome)),
        ("chat2ga_dead_letters_total", "code", get_args(Code)),
        ("chat2ga_dead_letters_total", "stage", get_args(Stage)),
    ],
)
def test_a_counter_begins_at_zero_for_every_value_of_its_labels(name, label, values):
    assert {labels[label] for labels in series(name)} == set(values)


def test_every_code_has_a_meaning():
    assert tuple(CODES) == get_args(Code)
    assert all(CODES.values())


def test_a_run_of_records_is_counted_in_one_call():
    labels = {"agent": "attribute", "outcome": "applied"}
    before = REGISTRY.get_sample_value("chat2ga_records_total", labels)
    metrics.RECORDS.labels("attribute", "applied").inc(7)
    metrics.RECORDS.labels(agent="attribute", outcome="applied").inc(3)
    assert REGISTRY.get_sample_value("chat2ga_records_total", labels) == before + 10


def test_a_partition_given_up_is_no_longer_shown():
    metrics.LAG.labels("chat-interactions", 0).set(5)
    metrics.LAG.labels("chat-interactions", 1).set(6)
    metrics.LAG.remove("chat-interactions", 0)
    metrics.LAG.remove(partition=2, topic="chat-interactions")  # never had: nothing to forget
    assert series("chat2ga_lag_records") == [{"topic": "chat-interactions", "partition": "1"}]
    metrics.LAG.remove(partition=1, topic="chat-interactions")
    assert series("chat2ga_lag_records") == []


def test_a_series_has_its_metrics_own_methods():
    assert isinstance(metrics.WATERMARK.labels("t", 0), Gauge)
    metrics.WATERMARK.remove("t", 0)


def test_the_process_is_shown_beside_ours():
    assert {"python_info", "python_gc_collections"} <= set(families())
