"""Charts: they say what the numbers say, at both widths, whatever a name holds."""

from xml.etree import ElementTree as ET

import msgspec
import pytest

from streams.report.charts import MOST_ROWS, draw
from streams.report.texts import percent
from tests.streams.report.month import Shape, month
from tests.streams.report.reports import numbers_of, said

KEYS = ("goals", "automations", "agents", "periods", "hours")


@pytest.fixture(scope="module")
def numbers():
    return numbers_of(month(1))


def texts(svg):
    return [element.text.strip() for element in ET.fromstring(svg).iter("text") if element.text]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("key", KEYS)
def test_every_chart_is_drawn_and_the_same_to_the_byte(numbers, key, narrow):
    svg = draw(key, numbers, narrow=narrow, label="A chart")
    assert ET.fromstring(svg).get("width") == ("340" if narrow else "860")
    assert draw(key, numbers, narrow=narrow, label="A chart") == svg


@pytest.mark.parametrize("narrow", [False, True])
def test_what_is_written_beside_the_marks_is_the_number(numbers, narrow):
    goals = texts(draw("goals", numbers, narrow=narrow, label=""))
    for goal in numbers.goals:
        assert percent(goal.chatters.converted.share) in goals
        assert percent(goal.others.converted.share) in goals
    steps = texts(draw("automations", numbers, narrow=narrow, label=""))
    for automation in numbers.automations:
        assert f"{percent(automation.viewed.share)} viewed" in steps
        assert f"{percent(automation.reacted.share)} typed" in steps
        assert (f"{percent(automation.answered.share)} answered" in steps) or automation.kind != "chatbot"


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("key", KEYS)
def test_no_letter_is_smaller_than_a_phone_shows(numbers, key, narrow):
    svg = ET.fromstring(draw(key, numbers, narrow=narrow, label=""))
    sizes = {float(element.get("font-size").removesuffix("px")) for element in svg.iter("text")}
    assert min(sizes) >= (10.5 if narrow else 11)


def test_bars_are_as_long_as_their_share():
    """Of the axis from nothing to all: a path from its left edge to its right."""
    bot = {"kind": "chatbot", "id": "b", "name": "Bot"}
    records = [said("automation_sent", 0, visitor=f"v{n}", automation=bot) for n in range(4)]
    records += [said("box_opened", 1, visitor=f"v{n}") for n in range(3)]
    svg = ET.fromstring(draw("automations", numbers_of(records), narrow=False, label=""))

    def width(colour):
        (path,) = [path for path in svg.iter("path") if path.get("class") == f"fill-{colour}"][:1]
        xs = [float(word) for word in path.get("d").replace("\n", " ").split()[1::3] if word != "z"]
        return max(xs) - min(xs)

    assert width("step1") / width("track") == pytest.approx(0.75)
    assert width("step3") == 0


def test_a_chart_shows_the_largest_and_no_more_than_can_be_read():
    records = [
        said(
            "automation_sent",
            n,
            visitor=f"v{n}",
            automation={"kind": "trigger", "id": f"t{n % 30}", "name": f"T{n % 30}"},
        )
        for n in range(45)
    ]
    shown = [text for text in texts(draw("automations", numbers_of(records), narrow=False, label="")) if text[0] == "T"]
    names = [text for text in shown if "," not in text]
    assert len(names) == MOST_ROWS
    assert {int(name[1:]) < 15 for name in names} == {True}, "those sent most"


@pytest.mark.parametrize(
    "name",
    [
        "$\\frac{1}{0}$",
        "<script>alert(1)</script>",
        "a\x00\x08b",
        "名前 🎉 שלום",
        "x" * 5_000,
        "\N{RIGHT-TO-LEFT OVERRIDE}x",
        "",
    ],
)
def test_a_name_may_hold_anything(name):
    robot, agent = {"kind": "chatbot", "id": "b", "name": name}, {"id": "a", "name": name}
    records = [
        said("automation_sent", automation=robot),
        said("agent_joined", 1, agent=agent),
        said("goal_completed", 2, goal={"name": name}),
        said("goal_completed", 3, goal={"name": "another"}),
        said("page_viewed", 4, visitor="other"),
    ]
    numbers = numbers_of(records)
    for key in ("goals", "automations", "agents"):
        for narrow in (False, True):
            svg = ET.fromstring(draw(key, numbers, narrow=narrow, label=""))
            assert max(len(text) for text in texts(ET.tostring(svg))) < 80
            assert next(svg.iter("script"), None) is None


def test_of_nothing_there_is_no_chart():
    nothing = numbers_of([said("page_viewed")])
    assert [draw(key, nothing, narrow=False, label="") for key in ("goals", "automations", "agents")] == [None] * 3
    all_chatted = numbers_of([said("visitor_message"), said("goal_completed", 1, goal={"name": "g"})])
    assert draw("goals", all_chatted, narrow=False, label="") is None, "nobody to compare with"


def test_the_only_goal_is_not_drawn_twice(numbers):
    any_goal, *others = numbers.goals
    one = msgspec.structs.replace(numbers, goals=[any_goal, others[0]])
    assert "Any goal" not in texts(draw("goals", one, narrow=False, label=""))
    assert "Any goal" in texts(draw("goals", numbers, narrow=False, label=""))


def test_with_several_accounts_each_name_says_whose_it_is():
    numbers = numbers_of([*month(1), *month(1, Shape(account="bistro", chatty=0.5))])
    assert any(
        text.startswith("bistro: Chatbot") for text in texts(draw("automations", numbers, narrow=True, label=""))
    )
    assert "Eva, bistro" in texts(draw("agents", numbers, narrow=False, label=""))
