"""The page: it holds the numbers, needs nothing else, and lets nothing in that a name may hold."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from streams.report import page as module
from streams.report.errors import WithoutExtra
from streams.report.page import check_installed, page
from streams.report.texts import percent
from tests.streams.report.month import Shape, month
from tests.streams.report.reports import numbers_of, said

VOID = {"meta", "link", "br", "img", "input", "hr", "source", "wbr"}


class Read(HTMLParser):
    """A page as a list of (tag, attributes, text), and whether every tag is closed where it must be."""

    def __init__(self, data):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(data.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def said(self):
        return " ".join(" ".join(self.text).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.fixture(scope="module")
def data():
    return page(numbers_of(month(1)))


@pytest.fixture(scope="module")
def read(data):
    return Read(data)


def test_the_example_of_the_help_centre_is_the_first_thing_that_it_says():
    records = [said("page_viewed", number, visitor=f"v{number}") for number in range(3_796)]
    records += [said("visitor_message", 5_000 + number, visitor=f"v{number}") for number in range(71)]
    read = Read(page(numbers_of(records)))
    assert (
        "Visitors who had a conversation 1.9 % 71 of 3,796 visitors had a conversation. 95 % interval: 1.5" in read.said
    )


def test_the_same_numbers_give_the_same_bytes(data):
    assert page(numbers_of(month(1))) == data


def test_every_number_of_a_chart_stands_in_a_table(read):
    numbers = numbers_of(month(1))
    for automation in numbers.automations:
        for share in (automation.viewed, automation.reacted):
            assert f"{percent(share.share)} {share.count:,} of {share.of:,}".replace("\N{NO-BREAK SPACE}", " ") in (
                read.said.replace(" few", "")
            )
    for row in numbers.days:
        assert f"{row.visits} {row.visitors} {row.chatters} {row.conversations}" in read.said
    for hour in numbers.hours:
        assert f"{hour.hour:02}:00 {hour.visits} {hour.conversations} {hour.served}" in read.said


def test_nothing_is_fetched_and_nothing_runs(data, read):
    text = data.decode()
    assert re.findall(r"https?:|//\w|url\((?!#)|@import|javascript:", text) == []
    assert {tag for tag, _ in read.elements} & {"script", "link", "img", "iframe", "object", "form", "base"} == set()
    for _, attributes in read.elements:
        assert {"style", "src", "srcset"}.isdisjoint(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("href", "#").startswith("#")


def test_its_policy_allows_its_own_style_sheet_alone(data, read):
    policy = next(each["content"] for each in read.of("meta") if each.get("http-equiv") == "Content-Security-Policy")
    style = re.search(rb"<style>(.*?)</style>", data, re.DOTALL)[1]
    allowed = b64encode(sha256(style).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    assert data.count(b"<style") == 1


def test_it_is_built_to_be_read_aloud_and_walked_by_keyboard(read):
    assert read.of("html")[0]["lang"] == "en"
    assert len(read.of("main")) == len(read.of("h1")) == len(read.of("nav")) == 1
    first = next(attributes for tag, attributes in read.elements if tag == "a")
    assert first == {"class": "skip", "href": "#main"}
    assert len(read.of("caption")) == len(read.of("table")) > 6
    assert all(attributes.get("scope") in {"col", "row"} for attributes in read.of("th"))
    regions = [each for each in read.of("div") if each.get("class") == "scroll"]
    assert len(regions) == len(read.of("table"))
    assert all(each["tabindex"] == "0" and each["role"] == "region" and each["aria-label"] for each in regions)
    charts = read.of("svg")
    assert all(each["role"] == "img" and each["aria-label"].startswith("Chart:") for each in charts)
    assert len(charts) == 2 * len(read.of("figure")) == 10


def test_ids_are_unique_and_every_link_leads_somewhere(read):
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"][1:] for _, attributes in read.elements if "href" in attributes}
    labels = {each for _, attributes in read.elements for each in attributes.get("aria-labelledby", "").split()}
    assert targets | labels <= set(ids)


def test_headings_are_in_order(read):
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{7*7}}"


def test_a_hostile_name_is_a_text_and_nothing_else():
    robot, agent = {"kind": "chatbot", "id": HOSTILE, "name": HOSTILE}, {"id": "a", "name": HOSTILE}
    goal = {"name": HOSTILE, "value": 1, "currency": "<b>EUR"}
    accounts = [HOSTILE.replace("/", ""), "other"]
    records = [
        {**record, "account_id": account}
        for account in accounts
        for record in (
            said("automation_sent", automation=robot),
            said("agent_joined", 1, agent=agent),
            said("feedback_given", 2, rating=5),
            said("goal_completed", 3, goal=goal),
            said("page_viewed", 4, visitor="other"),
        )
    ]
    read = Read(page(numbers_of(records, accounts=tuple(accounts))))
    assert {tag for tag, _ in read.elements} & {"script", "img", "b"} == set()
    assert read.said.count("<img src=x onerror=alert(1)>\"'&amp;{{7*7}}") >= 5
    assert all("onerror" not in attributes for _, attributes in read.elements)


def test_of_an_almost_empty_history_there_is_a_page():
    read = Read(page(numbers_of([said("box_opened")])))
    assert "0.0 % 0 of 1 visitors had a conversation." in read.said
    assert "No goal was reported" in read.said
    assert "No chatbot, automatic message or trigger was sent" in read.said
    assert "No agent joined or wrote" in read.said
    only_chatters = Read(page(numbers_of([said("visitor_message"), said("goal_completed", 1, goal={"name": "g"})])))
    assert "100.0 % 1 of 1 visitors had a conversation." in only_chatters.said


def test_the_comparison_never_says_that_the_chat_is_the_cause(read):
    assert "A comparison, not an effect." in read.said
    assert re.search(r"the difference may be chance\.|it does not say why\.", read.said)


@pytest.mark.parametrize(
    ("chatters", "others", "says"),
    [
        pytest.param(
            (40, 50), (10, 50), "That is more than chance alone would often give; it does not say why.", id="clear"
        ),
        pytest.param((3, 50), (2, 50), "The interval holds zero: the difference may be chance.", id="chance"),
    ],
)
def test_the_sentence_says_whether_chance_would_do(chatters, others, says):
    records = []
    for group, (reached, of) in (("c", chatters), ("o", others)):
        for number in range(of):
            records.append(said("page_viewed", 0, visitor=f"{group}{number}"))
            if group == "c":
                records.append(said("visitor_message", 1, visitor=f"{group}{number}"))
            if number < reached:
                records.append(said("goal_completed", 2, visitor=f"{group}{number}", goal={"name": "g"}))
    read = Read(page(numbers_of(records)))
    assert says in read.said


def test_accounts_are_compared_where_there_are_several(data):
    assert b'id="accounts"' not in data
    numbers = numbers_of([*month(1), *month(1, Shape(account="bistro"))])
    read = Read(page(numbers))
    assert "2 accounts are added up, and their visitors differ." in read.said
    for account in numbers.by_account:
        assert f"{account.account} {percent(account.chatted.share)}".replace("\N{NO-BREAK SPACE}", " ") in read.said


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    check_installed()
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "matplotlib" else object())
    with pytest.raises(WithoutExtra, match=r"needs Matplotlib: pip install 'chat2ga\[report\]'"):
        check_installed()
