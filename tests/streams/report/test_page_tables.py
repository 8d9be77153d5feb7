"""The page's tables: every cell is the number it stands for, and none is longer than can be opened."""

import msgspec

from streams.report import texts
from streams.report.page_tables import MOST_ROWS, page_tables
from tests.streams.report.month import Shape, month
from tests.streams.report.reports import numbers_of, said

NUMBERS = numbers_of(month(1))
TABLES = page_tables(NUMBERS)


def texts_of(row):
    return [cell.text for cell in (row.head, *row.cells)]


def test_every_row_has_a_cell_for_each_head():
    for table in TABLES.values():
        assert table.rows
        assert all(len(row.cells) + 1 == len(table.heads) for row in table.rows), table.name


def test_goals_are_compared_and_any_goal_stands_first():
    rows = TABLES["goals"].rows
    assert [row.whole for row in rows] == [True, False, False]
    for row, goal in zip(rows, NUMBERS.goals, strict=True):
        chatted, others, everyone, apart, after = row.cells
        for cell, reached in ((chatted, goal.chatters), (others, goal.others), (everyone, goal.everyone)):
            of = reached.converted
            assert cell.text == texts.percent(of.share)
            assert cell.under == (f"{of.count:,} of {of.of:,}", texts.interval(of))
            assert cell.few is of.few
        assert apart.text == texts.points(goal.difference.difference)
        assert (after.text, after.under) == (
            str(goal.chatters.reached_after),
            (f"of {goal.chatters.converted.count}",),
        )


def test_automations_show_their_funnel_and_only_a_chatbot_is_answered_by_a_button():
    for row, automation in zip(TABLES["automations"].rows, NUMBERS.automations, strict=True):
        sent, viewed, answered, typed = row.cells
        assert (row.head.text, sent.text) == (automation.name, f"{automation.sent:,}")
        assert viewed.under == (f"{automation.viewed.count} of {automation.sent}",)
        assert typed.under == (f"{automation.reacted.count} of {automation.sent}",)
        assert (answered.text == texts.NONE) is (automation.kind != "chatbot")


def test_agents_times_ways_and_behaviour():
    for row, agent in zip(TABLES["agents"].rows, NUMBERS.agents, strict=True):
        assert texts_of(row)[4:] == [str(agent.good), str(agent.normal), str(agent.bad)]
        assert row.head.text == (agent.name or "No agent found")
    assert texts_of(TABLES["hours"].rows[9])[0] == "09:00"
    first = NUMBERS.days[0]
    numbers = (first.visits, first.visitors, first.chatters, first.conversations)
    assert texts_of(TABLES["periods"].rows[0]) == [texts.day(first.period), *map(str, numbers)]
    assert [texts_of(row)[1:] for row in TABLES["ways"].rows] == [
        [str(way.visitors), str(way.conversations)] for way in NUMBERS.ways
    ]
    of = {row.audience: row for row in NUMBERS.behaviour}
    pages = next(row for row in TABLES["behaviour"].rows if row.head.text == "Pages per visit")
    assert [cell.text for cell in pages.cells] == [
        f"{of[name].pages_per_visit:.2f}" for name in ("chatters", "others", "everyone")
    ]


def test_values_stand_by_currency_with_what_each_visitor_brought():
    found = {(row.goal, row.currency, row.audience): row for row in NUMBERS.values}
    (czk, eur) = TABLES["values"].rows
    value = found["purchase", "CZK", "chatters"]
    assert czk.cells[0].text == f"{value.amount:,.2f}\N{NO-BREAK SPACE}CZK"
    assert czk.cells[0].under == (f"{value.amount / value.visitors:,.2f}\N{NO-BREAK SPACE}CZK per visitor",)
    assert eur.cells[2].text.endswith("EUR")


def test_with_several_accounts_rows_say_whose_they_are():
    both = numbers_of([*month(1), *month(1, Shape(account="bistro"))])
    tables = page_tables(both)
    for key in ("automations", "agents"):
        assert {row.head.under[-1] for row in tables[key].rows} == {"shop", "bistro"}
    for row, account in zip(tables["accounts"].rows, both.by_account, strict=True):
        assert row.cells[0].text == texts.percent(account.chatted.share)
        assert row.cells[2].under[0] == f"{account.chatters.count} of {account.chatters.of}"
        assert row.cells[3].under[0] == f"{account.others.count} of {account.others.of}"


def test_nobody_to_compare_with_is_no_number():
    only = page_tables(numbers_of([said("visitor_message"), said("goal_completed", 1, goal={"name": "g", "value": 1})]))
    assert [cell.text for cell in only["goals"].rows[0].cells[1:4:2]] == [texts.NONE, texts.NONE]
    assert only["values"].rows[0].cells[1].text == texts.NONE
    assert only["behaviour"].rows[0].cells[1].text == texts.NONE


def test_a_goal_for_each_order_makes_no_page_that_nobody_can_open():
    goal = NUMBERS.goals[-1]
    many = [*NUMBERS.goals, *(msgspec.structs.replace(goal, goal=f"order {number}") for number in range(3_000))]
    table = page_tables(msgspec.structs.replace(NUMBERS, goals=many))["goals"]
    assert len(table.rows) == MOST_ROWS
    assert table.caption.endswith("The first 200 of 3,003; --to report.json has all.")
    assert "--to" not in TABLES["goals"].caption


def test_a_name_of_a_megabyte_is_cut():
    name = "x" * 1_000_000
    robot, agent = {"kind": "chatbot", "id": "b", "name": name}, {"id": "a", "name": name}
    records = [
        said("automation_sent", automation=robot),
        said("agent_joined", 1, agent=agent),
        said("goal_completed", 2, goal={"name": name, "value": 1}),
    ]
    tables = page_tables(numbers_of(records))
    for key in ("goals", "values", "automations", "agents"):
        assert max(len(cell.text) for row in tables[key].rows for cell in (row.head, *row.cells)) == 200
