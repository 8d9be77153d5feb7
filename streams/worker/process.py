"""The worker's process: its parts, each a Faust app of its own, from their start to a clean stop.

Each part has its own consumer group, so that `--only` moves no offset: whether
`attribute` and `deliver` run in one process or in many, they go on where they were.
"""

import asyncio
import logging
import socket
import sys
from collections import abc
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from schemas.account import Accounts
from streams.attribution import CORE, RuleBook
from streams.configuration import read_accounts, read_options
from streams.delivery import Delivery
from streams.errors import Chat2gaError, Fault
from streams.runs import MemoryStore, RocksStore, RunApp, RunTable, Store, tune_collector
from streams.runs.errors import RunsError
from streams.settings import Settings
from streams.sources import FORMATS, Mapping
from streams.worker import rekey, translate
from streams.worker.attribute import Attribute
from streams.worker.broker import faust_credentials, faust_urls
from streams.worker.dead_letters import DeadLetterWindow
from streams.worker.deliver import Deliver
from streams.worker.health import HealthServer, Parts
from streams.worker.keying import Keying
from streams.worker.starting import begin_logs, reached, stop_signals
from streams.worker.supervisor import check_shares, obey, supervise
from streams.worker.topics import Topics, ensure_topics

__all__ = ["NoTransactions", "Part", "run_worker"]

logger: Final = logging.getLogger(__name__)

Part = Literal["attribute", "deliver"]


class NoTransactions(Chat2gaError):
    """Settings that contradict each other: a broker without idempotent producers has no transactions."""

    fault, retriable = Fault.OPERATOR, False

    def __str__(self) -> str:
        return (
            "CHAT2GA_PROCESSING_GUARANTEE=exactly_once needs CHAT2GA_IDEMPOTENCE=true and a broker that has "
            "transactions. Without them use at_least_once: nothing is lost, and what a crash repeats has the same "
            "event_id and the same bytes."
        )


STOP_S: Final = 9.0
"""For a clean stop: orchestrators kill after ten seconds or more."""


class _Files(NamedTuple):
    """What stands in the files that the settings name."""

    accounts: Accounts
    rules: RuleBook
    mapping: Mapping


def run_worker(settings: Settings, only: Part | None = None) -> int:
    """Work until told to stop; the exit code. Raises Chat2gaError where it cannot begin.

    Settings, accounts, rules and mapping are read whole before anything is consumed.
    """
    if settings.processing_guarantee == "exactly_once" and not settings.idempotence:
        raise NoTransactions
    alone = settings.processes == 1
    begin_logs(settings, None if alone else "supervisor")
    accounts = read_accounts(settings.accounts)
    files = _Files(accounts, RuleBook(read_options(settings.rules), accounts), translate.mapping_of(settings))
    if not alone:
        check_shares(settings, delivers=only != "attribute")
        return asyncio.run(_supervise(settings, only, files))
    tune_collector()
    return asyncio.run(_work(settings, only, files))


async def _work(settings: Settings, only: Part | None, files: _Files) -> int:
    stop = stop_signals()
    topics = await reached(settings, ensure_topics(settings))
    async with _parts(settings, only, topics, files) as apps:
        health = HealthServer(settings.http_host, settings.http_port, Parts(apps))
        await health.start()
        try:
            return await _run(apps, stop)
        finally:
            await health.stop()


async def _supervise(settings: Settings, only: Part | None, files: _Files) -> int:
    stop = stop_signals()
    topics = await reached(settings, ensure_topics(settings))
    most = max(topics.input_partitions, topics.events_partitions, *topics.source_partitions.values())
    if settings.processes > most:
        logger.warning("%d processes for %d partitions: some have nothing to do", settings.processes, most)
    member = partial(_member, only=only, topics=topics, files=files)
    return await supervise(settings, member, stop)


def _member(
    number: int,
    settings: Settings,
    line: socket.socket,
    *,
    only: Part | None,
    topics: Topics,
    files: _Files,
) -> None:
    """One process of several: works with what the supervisor has read and checked, and ends with its exit code."""
    begin_logs(settings, str(number))
    tune_collector()

    async def work() -> int:
        stop = stop_signals()
        async with _parts(settings, only, topics, files) as apps, obey(line, Parts(apps), stop):
            return await _run(apps, stop)

    try:
        code = asyncio.run(work())
    except Exception as error:  # noqa: BLE001 - the last place where it can be told in one line
        _tell(error)
        code = 1
    sys.exit(code)


async def _run(apps: abc.Mapping[str, RunApp], stop: asyncio.Event) -> int:
    """Start the parts, wait for the end of one or for a signal, stop them all."""
    starts = [asyncio.create_task(app.start(), name=f"start {part}") for part, app in apps.items()]
    ends = [asyncio.create_task(app.wait_until_stopped(), name=f"end {part}") for part, app in apps.items()]
    told = asyncio.create_task(stop.wait())
    started: asyncio.Future[Any] = asyncio.gather(*starts)
    waiting: list[asyncio.Future[Any]] = [told, *ends]
    await asyncio.wait([started, *waiting], return_when=asyncio.FIRST_COMPLETED)
    failed = started.exception() if started.done() else None
    if started.done() and failed is None:
        logger.info("at work: %s (core: %s)", ", ".join(apps), CORE)
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in (*waiting, started):
        task.cancel()
    started.add_done_callback(_pass_over)
    return await _stop(apps, failed)


def _pass_over(start: asyncio.Future[Any]) -> None:
    """A start that was cut short fails in its own ways: that it was told to stop is known."""
    if not start.cancelled():
        start.exception()


async def _stop(apps: abc.Mapping[str, RunApp], failed_start: BaseException | None) -> int:
    """Stop the parts together; 0 only if none had failed and all stopped in time."""
    reasons = [app.crash_reason for app in apps.values() if app.crash_reason is not None]
    if failed_start is not None:
        reasons.append(failed_start)
    for each in reasons:
        _tell(each)
    logger.info("stopping: %s", ", ".join(apps))
    # Each to its end: that one cannot drain must not cut the others' drains short.
    stops = [asyncio.create_task(app.stop(), name=f"stop {part}") for part, app in apps.items() if app.started]
    in_time = await _ended(stops)
    late = [app.crash_reason for app in apps.values() if app.crash_reason not in (None, *reasons)]
    late += [error for stop in stops if stop.done() and not stop.cancelled() and (error := stop.exception())]
    for reason in late:
        _tell(reason)
    if in_time:
        logger.info("stopped")
    elif not late:  # they have told why
        logger.error("not stopped within %g s; what is not committed will be read again", STOP_S)
    return 0 if in_time and not reasons and not late else 1


async def _ended(stops: Collection[asyncio.Task[None]]) -> bool:
    """Whether these end in time; what does not is not waited for: a part that is cut short may wait on."""
    if not stops:
        return True
    _, left = await asyncio.wait(stops, timeout=STOP_S)
    for stop in left:
        stop.cancel()
    return not left


def _tell(reason: BaseException | None) -> None:
    if isinstance(reason, (Chat2gaError, RunsError)):
        logger.error("%s", reason)
    else:
        # By its name alone, and its trace: an error's arguments may hold what nobody may read.
        logger.error("this is a bug in chat2ga: %s", type(reason).__name__, exc_info=reason)


@asynccontextmanager
async def _parts(
    settings: Settings, only: Part | None, topics: Topics, files: _Files
) -> AsyncIterator[dict[str, RunApp]]:
    """The apps by the name of their part, and what they need for as long as they run."""
    apps: dict[str, RunApp] = {}
    tables: list[RunTable] = []
    if only in (None, "attribute"):
        for source in settings.source_formats:
            apps[f"translate-{source}"] = _translate(settings, source, topics, files)
        if settings.rekey:
            apps["rekey"] = _rekey(settings, topics, files.rules)
        apps["attribute"], table = _attribute(settings, topics, files.rules)
        tables.append(table)
    if only in (None, "deliver"):
        async with Delivery(
            files.accounts,
            endpoint=settings.ga_endpoint,
            in_flight=settings.ga_in_flight,
            timeout_s=settings.ga_timeout_s,
            tracker_per_s=settings.ga_tracker_per_s,
        ) as delivery:
            apps["deliver"], table = _deliver(settings, topics, delivery)
            tables.append(table)
            yield apps
    else:
        yield apps
    for table in tables:
        await table.close()


def _translate(settings: Settings, name: str, topics: Topics, files: _Files) -> RunApp:
    """An app and a consumer group for each format: one that is added or left out moves no other's partitions."""
    source, mapping, rules = FORMATS[name], files.mapping, files.rules
    app = _app(settings, f"{settings.group}-translate-{name}", topics.source_partitions[name])
    keying = Keying(
        translate.STAGE,
        lambda record: translate.interactions_of(record.value, source, mapping, rules, record.timestamp),
        to=topics.interactions,
        partitions=topics.interactions_partitions,
        topics=topics,
        window=_window(settings),
    )
    app.stateful(topics.sources[name], keying.compute)
    return app


def _rekey(settings: Settings, topics: Topics, rules: RuleBook) -> RunApp:
    app = _app(settings, f"{settings.group}-rekey", topics.input_partitions)
    keying = Keying(
        rekey.STAGE,
        lambda record: rekey.rekeyed(record.value, rules, record.timestamp),
        to=topics.keyed,
        partitions=topics.keyed_partitions,
        topics=topics,
        window=_window(settings),
    )
    app.stateful(topics.interactions, keying.compute)
    return app


def _attribute(settings: Settings, topics: Topics, rules: RuleBook) -> tuple[RunApp, RunTable]:
    app = _app(settings, settings.group, topics.input_partitions)
    table = RunTable(
        app,
        name="sessions",
        changelog=topics.sessions_changelog,
        partitions=topics.input_partitions,
        source=topics.input,
        store=_store(settings, "sessions"),
        idle_ms=round(settings.idle_before_removal_s * 1000),
    )
    attribute = Attribute(rules=rules, table=table, topics=topics, window=_window(settings))
    app.stateful(topics.input, attribute.compute, table)
    return app, table


def _deliver(settings: Settings, topics: Topics, delivery: Delivery) -> tuple[RunApp, RunTable]:
    app = _app(settings, f"{settings.group}-deliver", topics.events_partitions)
    table = RunTable(
        app,
        name="ledger",
        changelog=topics.ledger_changelog,
        partitions=topics.events_partitions,
        source=topics.events,
        store=_store(settings, "ledger"),
        by_offset=False,  # it goes by event ids: what lies on another `ga-events` was delivered all the same
        idle_ms=round(settings.idle_before_removal_s * 1000),
    )
    deliver = Deliver(app, delivery=delivery, table=table, topics=topics, window=_window(settings))
    app.sink(topics.events, deliver.handle, table, quiet=delivery.quiet)
    return app, table


def _window(settings: Settings) -> DeadLetterWindow:
    return DeadLetterWindow(settings.dead_letter_window, settings.dead_letter_share)


def _store(settings: Settings, table: str) -> Store:
    if settings.store == "memory":
        return MemoryStore()
    return RocksStore(settings.state_dir / settings.group / table)


def _app(settings: Settings, group: str, partitions: int) -> RunApp:
    return RunApp(
        group,
        broker=faust_urls(settings),
        broker_credentials=faust_credentials(settings),
        broker_client_id=group,
        topic_partitions=partitions,
        max_run=settings.max_run,
        runs_in_flight=settings.runs_in_flight,
        idempotence=settings.idempotence,
        exactly_once=settings.processing_guarantee == "exactly_once",
        broker_commit_interval=settings.commit_interval_s,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.heartbeat_s,
        broker_rebalance_timeout=settings.rebalance_timeout_s,
    )
