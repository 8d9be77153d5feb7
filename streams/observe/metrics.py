"""Metrics: each defined here, once, for Prometheus.

Names begin with `chat2ga_`. Labels come from small fixed sets that are types, so
that a misspelt value fails mypy and not a dashboard: `RECORDS.labels("attribute",
"applied").inc(n)`. Counted once per run of records, never once per record. No
label is an account, a session or anything else that grows with the traffic; a
partition's series are removed with `remove` when the partition is given up.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, Literal, NamedTuple, ParamSpec, TypeVar, get_args, get_type_hints

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from schemas.codes import Code
from schemas.dead_letter import Stage
from schemas.ga_event import EventName
from schemas.receipt import Outcome as ReceiptOutcome

__all__ = [
    "COMMITTED_OFFSET",
    "CONTENT_TYPE",
    "DEAD_LETTERS",
    "DROPPED_FOR_CONSENT",
    "EVENTS",
    "GA_BREAKER_OPEN",
    "GA_FAILING_TRACKERS",
    "GA_IN_FLIGHT",
    "GA_REQUESTS",
    "GA_SECONDS",
    "INGEST_IN_FLIGHT",
    "INGEST_RECORDS",
    "INGEST_REQUESTS",
    "INGEST_SECONDS",
    "LAG",
    "METRICS",
    "REBALANCES",
    "RECEIPTS",
    "RECORDS",
    "RECOVERED_RECORDS",
    "REGISTRY",
    "RUNS",
    "RUN_RECORDS",
    "RUN_SECONDS",
    "SESSIONS",
    "SESSIONS_REMOVED",
    "WATERMARK",
    "GaEndpoint",
    "GaOutcome",
    "IngestOutcome",
    "IngestedAs",
    "Labelled",
    "RecordOutcome",
    "exposition",
]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

RecordOutcome = Literal["applied", "duplicate", "seen", "unknown", "dead_letter"]
GaOutcome = Literal["accepted", "refused", "throttled", "server_error", "timeout", "unreachable"]
GaEndpoint = Literal["own", "global", "eu"]
IngestOutcome = Literal[
    "accepted",
    "nothing",
    "invalid",
    "cut_short",
    "unauthorised",
    "not_found",
    "slow",
    "too_large",
    "encoded",
    "throttled",
    "failed",
    "busy",
    "unavailable",
]
IngestedAs = Literal["written", "unknown"]

_P = ParamSpec("_P")
_M = TypeVar("_M", bound=MetricWrapperBase)

REGISTRY: Final = CollectorRegistry()
"""Ours, and what Prometheus' client knows of the process: memory, processor time, open files, garbage."""
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


class Labelled(Generic[_P, _M]):
    """A metric with labels. The fields of `of`, a named tuple, are the labels, its types their values.

    Where every label's values are known they all begin at 0: a rate over a
    counter that appears with its first error misses that error.
    """

    def __init__(self, metric: _M, of: Callable[_P, tuple[object, ...]]) -> None:
        self.metric: Final = metric
        self.label_values: Final = _values_of(of)
        self._known: Final[dict[tuple[object, ...], _M]] = {
            values: metric.labels(*values) for values in _combinations(tuple(self.label_values.values()))
        }

    def labels(self, *args: _P.args, **kwargs: _P.kwargs) -> _M:
        """The one series of these values."""
        known = None if kwargs else self._known.get(args)  # the client takes a lock to find it
        series: _M = self.metric.labels(*args, **kwargs) if known is None else known
        return series

    def remove(self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Forget the series of these values, if it is there: a partition that another worker has now."""
        values: dict[str, object] = {**dict(zip(self.label_values, args, strict=False)), **kwargs}
        self.metric.remove(*(values[name] for name in self.label_values))


def _values_of(of: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - a class, known to mypy by its arguments only
    """The labels and their values; of one that is no Literal, none are known."""
    return {name: get_args(hint) for name, hint in get_type_hints(of).items()}


def _combinations(sets: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, ...]]:
    if not sets:
        yield ()
        return
    for rest in _combinations(sets[1:]):
        for value in sets[0]:
            yield (value, *rest)


class _OfAgent(NamedTuple):
    agent: Stage


class _OfRecord(NamedTuple):
    agent: Stage
    outcome: RecordOutcome


class _OfEvent(NamedTuple):
    name: EventName


class _OfDeadLetter(NamedTuple):
    stage: Stage
    code: Code


class _OfPartition(NamedTuple):
    topic: str
    partition: int


class _OfRequest(NamedTuple):
    outcome: GaOutcome


class _OfEndpoint(NamedTuple):
    endpoint: GaEndpoint


class _OfIngest(NamedTuple):
    outcome: IngestOutcome


class _OfIngested(NamedTuple):
    outcome: IngestedAs


class _OfReceipt(NamedTuple):
    outcome: ReceiptOutcome


def _counter(name: str, what: str, of: Callable[_P, tuple[object, ...]]) -> Labelled[_P, Counter]:
    return Labelled(Counter(name, what, tuple(get_type_hints(of)), registry=REGISTRY), of)


def _gauge(name: str, what: str, of: Callable[_P, tuple[object, ...]]) -> Labelled[_P, Gauge]:
    return Labelled(Gauge(name, what, tuple(get_type_hints(of)), registry=REGISTRY), of)


def _histogram(
    name: str, what: str, buckets: tuple[float, ...], of: Callable[_P, tuple[object, ...]]
) -> Labelled[_P, Histogram]:
    return Labelled(Histogram(name, what, tuple(get_type_hints(of)), buckets=buckets, registry=REGISTRY), of)


_RUN_SIZES: Final = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# -- requests in -------------------------------------------------------------------

INGEST_REQUESTS: Final = _counter(
    "chat2ga_ingest_requests",
    "Requests to `chat2ga ingest`, by what became of them: interactions acknowledged by Kafka; nothing to write; a "
    "body that is no record of the format, or not whole; no valid signature or token; no such endpoint; a body that "
    "came too slowly, is too large, or encoded; more than the endpoint takes; a fault of ours; too many at once; "
    "Kafka away.",
    _OfIngest,
)
INGEST_RECORDS: Final = _counter(
    "chat2ga_ingest_records",
    "What was in requests: interactions written and acknowledged; records that give none, as their type is not known.",
    _OfIngested,
)
INGEST_SECONDS: Final = Histogram(
    "chat2ga_ingest_seconds", "One request, from its headers to its answer.", buckets=_SECONDS, registry=REGISTRY
)
INGEST_IN_FLIGHT: Final = Gauge("chat2ga_ingest_in_flight", "Requests being worked on now.", registry=REGISTRY)

# -- records in --------------------------------------------------------------------

RECORDS: Final = _counter(
    "chat2ga_records",
    "Records taken, by what became of them: applied; duplicate of one that its session holds; seen before a restart "
    "or rebalance; of an unknown type; dead-lettered.",
    _OfRecord,
)
RUNS: Final = _counter("chat2ga_runs", "Runs of records finished: outputs and state acknowledged.", _OfAgent)
RUN_RECORDS: Final = _histogram("chat2ga_run_records", "Records in a run.", _RUN_SIZES, _OfAgent)
RUN_SECONDS: Final = _histogram(
    "chat2ga_run_seconds", "From taking a run of records to its last acknowledgement.", _SECONDS, _OfAgent
)
COMMITTED_OFFSET: Final = _gauge(
    "chat2ga_committed_offset", "Next offset to read after a restart: every record before it is done.", _OfPartition
)
LAG: Final = _gauge("chat2ga_lag_records", "Records of the partition that are not committed yet.", _OfPartition)
WATERMARK: Final = _gauge(
    "chat2ga_watermark_seconds", "Latest event time seen in the partition, in epoch seconds.", _OfPartition
)

# -- what comes of them ------------------------------------------------------------

EVENTS: Final = _counter("chat2ga_events", "GA events published, by name.", _OfEvent)
DROPPED_FOR_CONSENT: Final = Counter(
    "chat2ga_dropped_for_consent", "Interactions whose events were dropped for want of consent.", registry=REGISTRY
)
DEAD_LETTERS: Final = _counter("chat2ga_dead_letters", "Dead letters, by stage and code.", _OfDeadLetter)

# -- state -------------------------------------------------------------------------

SESSIONS: Final = Gauge("chat2ga_sessions", "Sessions held by this worker.", registry=REGISTRY)
SESSIONS_REMOVED: Final = Counter(
    "chat2ga_sessions_removed", "Sessions removed, past their gap and idle.", registry=REGISTRY
)
RECOVERED_RECORDS: Final = Counter(
    "chat2ga_recovered_records", "Records of the changelogs read to bring the tables back.", registry=REGISTRY
)
REBALANCES: Final = Counter("chat2ga_rebalances", "Rebalances that this worker took part in.", registry=REGISTRY)

# -- delivery ----------------------------------------------------------------------

GA_REQUESTS: Final = _counter("chat2ga_ga_requests", "Requests to GA answered or failed, retries too.", _OfRequest)
GA_SECONDS: Final = Histogram(
    "chat2ga_ga_seconds",
    "One request to GA, from connecting to the end of the answer.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
GA_IN_FLIGHT: Final = Gauge("chat2ga_ga_in_flight", "Requests to GA in flight now.", registry=REGISTRY)
GA_FAILING_TRACKERS: Final = Gauge(
    "chat2ga_ga_failing_trackers", "Trackers of which GA did not take the last request.", registry=REGISTRY
)
GA_BREAKER_OPEN: Final = _gauge(
    "chat2ga_ga_breaker_open",
    "1 while an endpoint failed so often that it is left alone but for one probe at a time: GA_ENDPOINT (own), "
    "Google's global one, Google's in the EU.",
    _OfEndpoint,
)
RECEIPTS: Final = _counter(
    "chat2ga_receipts", "Receipts, one for each event and tracker, by what became of it.", _OfReceipt
)

METRICS: Final[tuple[Labelled[..., Any] | MetricWrapperBase, ...]] = (
    INGEST_REQUESTS,
    INGEST_RECORDS,
    INGEST_SECONDS,
    INGEST_IN_FLIGHT,
    RECORDS,
    RUNS,
    RUN_RECORDS,
    RUN_SECONDS,
    COMMITTED_OFFSET,
    LAG,
    WATERMARK,
    EVENTS,
    DROPPED_FOR_CONSENT,
    DEAD_LETTERS,
    SESSIONS,
    SESSIONS_REMOVED,
    RECOVERED_RECORDS,
    REBALANCES,
    GA_REQUESTS,
    GA_SECONDS,
    GA_IN_FLIGHT,
    GA_FAILING_TRACKERS,
    GA_BREAKER_OPEN,
    RECEIPTS,
)
"""All of them, in the order of the docs."""


def exposition() -> bytes:
    """All metrics as Prometheus reads them; `CONTENT_TYPE` says which format this is."""
    return generate_latest(REGISTRY)
