"""The long table: every number of the report stands in it once, with what it is of."""

import msgspec

from streams.report.numbers import Numbers
from streams.report.tables import COLUMNS, Row, harmless, long_table
from tests.streams.report.month import Shape, month
from tests.streams.report.reports import numbers_of

NUMBERS = numbers_of([*month(1), *month(2, Shape(account="bistro", chatty=0.4))])
ROWS = list(long_table(NUMBERS))


def find(**given):
    return [row for row in ROWS if all(getattr(row, name) == value for name, value in given.items())]


def value(**given):
    (row,) = find(**given)
    return row.value


def test_no_number_stands_twice():
    keys = [
        tuple(getattr(row, name) for name, _ in COLUMNS[: [name for name, _ in COLUMNS].index("value")]) for row in ROWS
    ]
    assert len(keys) == len(set(keys))


def test_columns_are_the_fields():
    assert tuple(name for name, _ in COLUMNS) == Row.__struct_fields__


def test_every_part_of_the_report_is_there():
    parts = {name for name in Numbers.__struct_fields__ if isinstance(getattr(NUMBERS, name), list)}
    renamed = {"values": "goal_values", "by_account": "accounts"}
    expected = {renamed.get(name, name) for name in parts - {"periods"}} | {"headline", "coverage"}
    assert {row.part for row in ROWS} == expected


def test_a_number_is_found_by_what_it_is_of():
    assert value(part="headline", measure="chatted") == NUMBERS.headline.chatted.count
    (chatted,) = find(part="headline", measure="chatted_share")
    share = NUMBERS.headline.chatted
    assert (chatted.value, chatted.low, chatted.high, chatted.out_of, chatted.few) == (
        *(share.share, share.low, share.high, share.of, share.few),
    )
    for automation in NUMBERS.automations:
        of = {"part": "automations", "account": automation.account, "kind": automation.kind, "id": automation.id}
        assert value(**of, measure="sent") == automation.sent
        assert value(**of, measure="reacted_share") == automation.reacted.share
    for goal in NUMBERS.goals:
        of = {"part": "goals", "name": goal.goal}
        assert value(**of, audience="chatters", measure="reached") == goal.chatters.converted.count
        assert value(**of, audience="chatters", measure="reached_after") == goal.chatters.reached_after
        assert value(**of, measure="difference") == goal.difference.difference
    for day in NUMBERS.days:
        assert value(part="days", period=day.period.isoformat(), measure="conversations") == day.conversations
    assert value(part="hours", period="09", measure="visits") == NUMBERS.hours[9].visits
    for account in NUMBERS.by_account:
        assert value(part="accounts", account=account.account, measure="chatters") == account.chatted.count
    assert value(part="coverage", measure="records") == NUMBERS.records


def test_what_a_spreadsheet_would_run_is_quoted():
    row = Row(part="automations", account="-a", id="@b", name="=HYPERLINK(1)", measure="sent", value=-1)
    made = harmless(row)
    assert (made.account, made.id, made.name, made.value) == ("'-a", "'@b", "'=HYPERLINK(1)", -1)
    plain = msgspec.structs.replace(row, account="a", id="b", name="c=d")
    assert harmless(plain) is plain
