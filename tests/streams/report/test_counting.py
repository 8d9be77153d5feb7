"""Numbers: what the database counts is what is there, counted a second time by plain means."""

from datetime import date
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.report.intervals import difference, share
from tests.streams.report.month import Shape, month
from tests.streams.report.recount import recount
from tests.streams.report.recount_sql import recount_by_sql
from tests.streams.report.reports import CONSENT_REQUIRED, numbers_of, said

EPOCH = date(1970, 1, 1).toordinal()


def told(numbers):
    """The numbers in the form of the recount."""
    of = {goal.goal: goal for goal in numbers.goals}
    return {
        "visitors": (numbers.headline.chatted.count, numbers.headline.chatted.of),
        "visits": numbers.headline.visits,
        "conversations": (numbers.headline.conversations, numbers.headline.conversations_served),
        "visits_with_conversation": numbers.headline.visits_with_conversation,
        "runs": numbers.headline.runs,
        "ratings": (numbers.headline.ratings, numbers.headline.average_rating),
        "ways": {row.way: (row.visitors, row.conversations) for row in numbers.ways},
        "behaviour": {
            row.audience: {
                name: getattr(row, name)
                for name in (
                    *("visitors", "visits", "visits_per_visitor", "pages_per_visit", "one_page_share"),
                    *("seconds_mean", "seconds_median"),
                )
            }
            for row in numbers.behaviour
        },
        "goals": {
            goal: {
                **{
                    name: (getattr(row, name).converted.count, getattr(row, name).completions)
                    for name in ("chatters", "others", "everyone")
                },
                "after": (row.chatters.reached_after, 0),
            }
            for goal, row in of.items()
        },
        "values": {
            (row.goal, row.currency, row.audience): round(row.amount * 100) for row in numbers.values if row.completions
        },
        "automations": {
            (row.account, row.kind, row.id): (row.sent, row.viewed.count, row.answered.count, row.reacted.count)
            for row in numbers.automations
        },
        "agents": {
            (row.account, row.agent): (row.conversations, (row.good, row.normal, row.bad)) for row in numbers.agents
        },
        "days": {
            row.period.toordinal() - EPOCH: (row.visits, row.visitors, row.chatters, row.conversations)
            for row in numbers.days
        },
        "hours": {row.hour: (row.visits, row.conversations, row.served) for row in numbers.hours},
    }


def approximately(numbers):
    """Means are quotients of the same whole numbers, and may differ in the last bit alone."""
    return {**numbers, "behaviour": {key: pytest.approx(of) for key, of in numbers["behaviour"].items()}}


@pytest.mark.parametrize("seed", range(3))
def test_a_month_is_counted_as_it_is_by_plain_means(seed):
    records = [*month(seed), *month(seed, Shape(account="bistro", visitors=80, chatty=0.4))]
    expected = recount(records)
    assert expected["visitors"][0] > 40, "there is something to count"
    assert len(expected["goals"]) == 3
    assert all(counts[3] for counts in expected["automations"].values() if counts[0] > 30)
    counted = told(numbers_of(records))
    assert counted == approximately(expected)
    by_sql = recount_by_sql(records)
    assert len(by_sql) > 10
    assert {name: counted[name] for name in by_sql} == by_sql


@settings(max_examples=15)
@given(st.integers(0, 9_999), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_a_number(seed, random: Random):
    records = month(seed, Shape(visitors=12, chatty=0.6, repeated=0))
    again = [*records, *random.choices(records, k=random.randrange(1, 40))]
    random.shuffle(again)
    one, other = numbers_of(records), numbers_of(again)
    assert other.duplicates == len(again) - len(records)
    assert told(one) == told(other)
    assert (one.coverage, one.headline, one.goals, one.by_account) == (
        other.coverage,
        other.headline,
        other.goals,
        other.by_account,
    )


def test_the_example_of_the_help_centre_gives_1_9_per_cent():
    """71 of 3,796 visitors had a conversation."""
    records = [said("page_viewed", number, visitor=f"v{number}") for number in range(3_796)]
    records += [said("visitor_message", 5_000 + number, visitor=f"v{number}") for number in range(71)]
    chatted = numbers_of(records).headline.chatted
    assert (chatted.count, chatted.of) == (71, 3_796)
    assert f"{chatted.share:.1%}" == "1.9%"
    assert (round(chatted.low, 4), round(chatted.high, 4)) == (0.0149, 0.0235)


BOT = {"kind": "chatbot", "id": "b", "name": "Bot"}
EVA = {"id": "eva", "name": "Eva"}


@pytest.mark.parametrize(
    ("records", "conversations"),
    [
        pytest.param([said("page_viewed")], 0, id="a page"),
        pytest.param(
            [said("automation_sent", automation=BOT), said("box_opened", 1)], 0, id="a greeting nobody answers"
        ),
        pytest.param([said("contact_form_sent"), said("feedback_given", rating=5)], 0, id="a form and a rating alone"),
        pytest.param([said("button_clicked", button="←", is_back=True)], 0, id="a back button"),
        pytest.param([said("agent_left", agent=EVA)], 0, id="an agent leaves"),
        pytest.param([said("button_clicked", button="Yes")], 1, id="a button"),
        pytest.param([said("visitor_message", online=False)], 1, id="an offline message"),
        pytest.param([said("agent_message")], 1, id="an agent writes first"),
        pytest.param([said("agent_joined", agent=EVA)], 1, id="an agent joins"),
        pytest.param(
            [said("visitor_message"), said("agent_message", 1), said("visitor_message", 2)], 1, id="one conversation"
        ),
        pytest.param(
            [said("visitor_message"), said("conversation_closed", 1), said("visitor_message", 2)], 2, id="reopened"
        ),
        pytest.param(
            [said("visitor_message", conversation_id="1"), said("visitor_message", 2, conversation_id="2")],
            2,
            id="two at once",
        ),
    ],
)
def test_what_is_a_conversation(records, conversations):
    headline = numbers_of(records).headline
    assert headline.conversations == conversations
    assert headline.chatted.count == min(conversations, 1)


def test_a_visitor_is_an_id_of_an_account_or_without_one_a_session():
    records = [
        said("page_viewed", visitor="v", session="s1"),
        said("page_viewed", 1, visitor="v", session="s2"),
        said("page_viewed", 2, visitor=None, session="s3"),
        said("page_viewed", 3, visitor=None, session="s4"),
        said("page_viewed", 4, visitor="v", session="s4"),  # the visit is known by its first visitor_id
        {**said("page_viewed", 5, visitor="v"), "account_id": "other"},
    ]
    numbers = numbers_of(records)
    assert numbers.headline.chatted.of == 3
    assert numbers.coverage.visits_without_visitor_id == 1


def test_who_reached_a_goal_before_chatting_is_told_apart():
    goal = {"name": "order"}
    records = [
        said("goal_completed", 0, visitor="before", goal=goal),
        said("visitor_message", 10, visitor="before"),
        said("visitor_message", 0, visitor="after"),
        said("goal_completed", 10, visitor="after", goal=goal),
        said("goal_completed", 20, visitor="after", goal=goal),
        said("goal_completed", 0, visitor="never", goal=goal),
        said("page_viewed", 0, visitor="nothing"),
    ]
    overall, order = numbers_of(records).goals
    for row in (overall, order):
        assert row.chatters.converted == share(2, 2)
        assert (row.chatters.completions, row.chatters.reached_after) == (3, 1)
        assert row.others.converted == share(1, 2)
        assert row.everyone.converted == share(3, 4)
        assert row.difference == difference(share(2, 2), share(1, 2))
    assert (overall.goal, order.goal) == (None, "order")


def test_values_are_added_up_by_currency_and_exactly():
    goals = [{"name": "order", "value": 0.1, "currency": "eur"}] * 10
    goals += [{"name": "order", "value": 5, "currency": "CZK"}, {"name": "order", "value": 0.57}, {"name": "order"}]
    goals += [{"name": "order", "value": 1e300, "currency": "EUR"}]
    numbers = numbers_of([said("goal_completed", at, goal=goal) for at, goal in enumerate(goals)])
    everyone = {row.currency: (row.completions, row.amount) for row in numbers.values if row.audience == "everyone"}
    assert everyone == {"EUR": (10, 1.0), "CZK": (1, 5.0), "": (1, 0.57)}
    assert numbers.goals[0].everyone.completions == 14
    assert (numbers.coverage.implausible_values, numbers.coverage.values_without_currency) == (1, 1)


def test_consent_changes_what_google_gets_and_not_what_happened():
    records = month(5, Shape(visitors=60, chatty=0.5, refused=0.5))
    freely = [{name: value for name, value in record.items() if name != "consent"} for record in records]
    implied, required, given_ = numbers_of(records), numbers_of(records, book=CONSENT_REQUIRED), numbers_of(freely)
    assert told(implied) == told(required) == told(given_)
    assert 0 == given_.coverage.events_withheld < implied.coverage.events_withheld
    assert required.coverage.events_withheld == required.coverage.events == implied.coverage.events


def test_days_and_hours_are_of_the_time_zone():
    records = [said("page_viewed", 15 * 3600 + 30 * 60)]  # 2026-01-05, 23:30 UTC
    (day,) = numbers_of(records).days
    assert day.period == date(2026, 1, 5)
    there = numbers_of(records, time_zone="Europe/Prague")
    assert [row.period for row in there.days] == [date(2026, 1, 6)]
    assert [row.hour for row in there.hours if row.visits] == [0]


@pytest.mark.parametrize(
    ("days", "unit", "periods"), [(92, "day", 3), (93, "week", 3), (750, "week", 3), (751, "month", 2)]
)
def test_a_long_history_is_shown_by_week_or_month_and_counted_by_day(days, unit, periods):
    records = [said("page_viewed", day * 86_400, session=f"s{day}") for day in (0, 20, days)]
    records.append(said("page_viewed", 7, session="same day"))
    numbers = numbers_of(records)
    assert (numbers.unit, len(numbers.periods), len(numbers.days)) == (unit, periods, 3)
    assert sum(row.visits for row in numbers.periods) == 4
    assert numbers.periods[0].visitors == 1, "a visitor counts once in a period, however often they came"


def test_an_agent_who_comes_back_serves_the_same_conversation():
    records = [said(kind, at, agent=EVA) for at, kind in enumerate(("agent_joined", "agent_left", "agent_joined"))]
    (eva,) = numbers_of(records).agents
    assert (eva.conversations, eva.joins, eva.name) == (1, 2, "Eva")


def test_an_agent_goes_by_the_name_used_last():
    records = [said("agent_message", at, agent={"id": "eva", "name": name}) for at, name in ((9, "Z"), (20, "A"))]
    records = [{**record, "conversation_id": f"c{place}"} for place, record in enumerate(records)]
    (eva,) = numbers_of(records).agents
    assert (eva.name, eva.conversations) == ("A", 2)


def test_a_click_on_what_was_never_received_stands_in_no_funnel():
    numbers = numbers_of([said("button_clicked", button="Yes", automation=BOT)])
    assert numbers.automations == []
    assert (numbers.headline.runs, numbers.coverage.clicks_without_receipt) == (0, 1)


def test_an_automation_that_was_renamed_is_two():
    records = [said("automation_sent", at, session=f"s{at}", automation={**BOT, "name": f"Bot {at}"}) for at in (1, 2)]
    assert [(row.id, row.name, row.sent) for row in numbers_of(records).automations] == [
        ("b", "Bot 1", 1),
        ("b", "Bot 2", 1),
    ]


def test_accounts_are_counted_one_by_one_and_can_be_picked():
    records = [*month(6, Shape(visitors=50)), *month(6, Shape(account="bistro", visitors=30, chatty=0.5))]
    both, bistro = numbers_of(records), numbers_of(records, accounts=("bistro",))
    assert [row.account for row in both.by_account] == ["shop", "bistro"]
    assert bistro.by_account == both.by_account[1:]
    assert bistro.headline.chatted == both.by_account[1].chatted
    assert bistro.only_accounts == ("bistro",)
    assert {row.account for row in bistro.automations} == {"bistro"}
