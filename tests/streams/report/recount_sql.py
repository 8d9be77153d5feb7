"""The numbers of a month once more, by plain SQL over its raw lines. For months of `month` alone, as `recount` is.

What wants a walk through a session (automations, agents' ratings) is counted by `recount` only.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

from tests.streams.report.month import Record, lines_of

__all__ = ["recount_by_sql"]

_SAID: Final = """
create view said as
select *,
    account_id || '/' || coalesce(visitor_id, session_id) as who,
    account_id || '/' || coalesce(session_id, visitor_id || '@' || ms // 86400000) as visit,
    type in ('agent_joined', 'agent_message') as of_agent,
    type in ('visitor_message', 'agent_joined', 'agent_message') or (type = 'button_clicked' and not is_back) as talks,
from (
    select distinct on (interaction_id) *, "timestamp" as ms
    from read_json(?, format = 'newline_delimited', columns = {
        interaction_id: 'VARCHAR', type: 'VARCHAR', account_id: 'VARCHAR', session_id: 'VARCHAR',
        visitor_id: 'VARCHAR', conversation_id: 'VARCHAR', timestamp: 'BIGINT', is_back: 'BOOLEAN',
        online: 'BOOLEAN', rating: 'INTEGER', automation: 'STRUCT(run_id VARCHAR)',
        goal: 'STRUCT(name VARCHAR, value DOUBLE, currency VARCHAR)'
    })
);
create table visits as
select visit, min(who) as who, min(ms) as ms, bool_or(talks) as talked from said group by visit;
create table talks as
select conversation_id, who, min(ms) as ms,
    (select bool_or(of_agent) from said as all_of where all_of.conversation_id = said.conversation_id) as served
from said where talks group by conversation_id, who;
create table people as
select who, (select min(ms) from said where talks and said.who = visits.who) as talked_at from visits group by who;
create table audiences as
select who, 'everyone' as audience from people
union all select who, if(talked_at is null, 'others', 'chatters') from people;
create table goals as
select unnest([goal.name, null]) as goal, who, ms, talked_at, goal.value as amount, goal.currency as currency
from said join people using (who) where type = 'goal_completed';
"""


def recount_by_sql(records: Sequence[Record]) -> dict[str, Any]:
    """What a report of these interactions must say, in UTC, as far as SQL says it plainly."""
    with TemporaryDirectory() as directory, duckdb.connect() as database:
        lines = Path(directory, "in.jsonl")
        lines.write_bytes(b"\n".join(lines_of(records)) + b"\n")
        database.execute(_SAID.replace("?", f"'{lines}'"))
        return _numbers(database)


def _numbers(database: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    def row(query: str) -> tuple[Any, ...]:
        (found,) = database.sql(query).fetchall()
        return tuple(found)

    def rows(query: str) -> list[tuple[Any, ...]]:
        return database.sql(query).fetchall()

    def way(condition: str) -> tuple[Any, ...]:
        return row(f"select count(distinct who), count(distinct conversation_id) from said where {condition}")

    goals: dict[str | None, dict[str, tuple[int, int]]] = {}
    for goal, audience, visitors, completions in rows(
        "select goal, audience, count(distinct who), count(*) from goals join audiences using (who) group by all"
    ):
        named = goals.setdefault(goal, dict.fromkeys(("chatters", "others", "everyone"), (0, 0)))
        named[audience] = visitors, completions
    for goal, after in rows("select goal, count(distinct who) filter (ms > talked_at) from goals group by goal"):
        goals[goal]["after"] = after, 0
    return {
        "visitors": row("select count(talked_at), count(*) from people"),
        "visits": row("select count(*) from visits")[0],
        "conversations": row("select count(*), count(*) filter (served) from talks"),
        "visits_with_conversation": row("select count(*) from visits where talked")[0],
        "runs": row("select count(distinct automation.run_id) from said where type = 'automation_sent'")[0],
        "ratings": row("select count(rating), avg(rating) from said where type = 'feedback_given'"),
        "ways": {
            "wrote": way("type = 'visitor_message'"),
            "clicked": way("type = 'button_clicked' and not is_back"),
            "agent": way("of_agent"),
            "offline": way("online is false"),
        },
        "goals": goals,
        "values": {
            tuple(key): round(cents)
            for *key, cents in rows(
                "select goal, currency, audience, sum(round(amount * 100)) from goals join audiences using (who) "
                "where amount is not null and goal is not null group by all"
            )
        },
        "days": {
            day: tuple(counts)
            for day, *counts in rows(
                "select day, "
                "(select count(*) from visits where ms // 86400000 = day), "
                "(select count(distinct who) from visits where ms // 86400000 = day), "
                "(select count(distinct who) from talks where ms // 86400000 = day), "
                "(select count(*) from talks where ms // 86400000 = day) "
                "from (select ms // 86400000 as day from visits union select ms // 86400000 from talks)"
            )
        },
        "hours": {
            hour: tuple(counts)
            for hour, *counts in rows(
                "select hour, "
                "(select count(*) from visits where ms // 3600000 % 24 = hour), "
                "(select count(*) from talks where ms // 3600000 % 24 = hour), "
                "(select count(*) from talks where served and ms // 3600000 % 24 = hour) "
                "from range(24) as every(hour)"
            )
        },
    }
