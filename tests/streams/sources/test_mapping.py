"""A mapping file: validated as a whole, every fault at once with its key."""

import pickle
import tomllib

import pytest

from schemas.keys import KeyFault
from streams.sources import Mapping, mapping_from
from streams.sources.mapping import Automation, Variables

FULL = """
account_id = "shop"
automation_kind = "auto_message"
agent_joined = "assigned"
box_opened = "first_visitor_message"
measurement_ids = ["G-SHOP2026", "UA-1-1"]
channels = ["chat"]

[accounts]
481516 = "shop"

[automations."Welcome bot"]
kind = "chatbot"
id = "welcome"
name = "Welcome"

[automations.tr77]
kind = "trigger"

[agents]
3301 = "Iris"

[ratings]
great = 5
"2" = 3

[variables]
user_id = "userId"
ga_client_id = "gaClientId"
ga_session_id = "gaSessionId"
"""


def faults(text):
    made = mapping_from(tomllib.loads(text))
    assert isinstance(made, tuple), made
    return made


def test_an_empty_file_says_nothing():
    assert mapping_from({}) == Mapping()


def test_a_file_that_says_everything():
    assert mapping_from(tomllib.loads(FULL)) == Mapping(
        account_id="shop",
        accounts={"481516": "shop"},
        automations={"Welcome bot": Automation("chatbot", "welcome", "Welcome"), "tr77": Automation("trigger")},
        automation_kind="auto_message",
        agents={"3301": "Iris"},
        agent_joined="assigned",
        box_opened="first_visitor_message",
        measurement_ids=("G-SHOP2026", "UA-1-1"),
        ratings={"great": 5, "2": 3},
        variables=Variables("userId", "gaClientId", "gaSessionId"),
        channels=("chat",),
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("account_id = ''", "account_id"),
        ("account_id = 'a/b'", "account_id"),
        ("account_id = 7", "account_id"),
        ("automation_kind = 'robot'", "automation_kind"),
        ("agent_joined = 'always'", "agent_joined"),
        ("box_opened = true", "box_opened"),
        ("measurement_ids = ['g-1']", "measurement_ids"),
        ("measurement_ids = 'G-1'", "measurement_ids"),
        ("channels = [1]", "channels"),
        ("accounts = 'shop'", "accounts"),
        ("[accounts]\n1 = 'a/b'", "accounts.1"),
        ("[agents]\n1 = 2", "agents.1"),
        ("[ratings]\ngreat = 4", "ratings.great"),
        ("[automations]\nx = 'chatbot'", "automations.x"),
        ("[automations.x]\nkind = 'robot'", "automations.x.kind"),
        ("[automations.x]\nid = ''", "automations.x.id"),
        ("[automations.x]\nlabel = 'X'", "automations.x.label"),
        ("[variables]\nuser_id = 1", "variables.user_id"),
        ("[variables]\nsession_id = 's'", "variables.session_id"),
        ("variables = []", "variables"),
        ("boxopened = 'first_visitor_message'", "boxopened"),
        ("[rating]\ngreat = 5", "rating"),
    ],
)
def test_what_a_mapping_does_not_take_is_told_with_its_key(text, key):
    (fault,) = faults(text)
    assert fault.key == key
    assert fault.reason


def test_all_faults_at_once():
    text = "x = 1\nbox_opened = 1\n[accounts]\n1 = ''\n2 = 'b'\n3 = 'c/d'\n[automations.a]\nkind = 1\nx = 2"
    assert [fault.key for fault in faults(text)] == [
        "x",
        "box_opened",
        "accounts.1",
        "accounts.3",
        "automations.a.kind",
        "automations.a.x",
    ]


def test_a_fault_quotes_no_value():
    (fault,) = faults("[accounts]\n1 = 'hush/hush'")
    assert fault == KeyFault("accounts.1", "Expected an id without `/`")


def test_an_account_is_called_as_the_mapping_says_and_else_as_it_is_told():
    mapping = Mapping(account_id="own", accounts={"1": "acme"})
    assert [mapping.account(told) for told in ("1", "2", None)] == ["acme", "2", "own"]
    assert Mapping().account(None) is None


def test_the_first_name_that_is_listed_counts():
    bot, promo = Automation("chatbot"), Automation("auto_message")
    mapping = Mapping(automations={"b1": bot, "Promo": promo})
    assert mapping.known("b1", "Promo") == bot
    assert mapping.known(None, "Promo") == promo
    assert mapping.known("b2", None) is None


def test_it_survives_being_handed_to_another_process():
    mapping = mapping_from(tomllib.loads(FULL))
    assert pickle.loads(pickle.dumps(mapping)) == mapping


def test_records_of_other_channels_are_not_looked_at():
    mapping = Mapping(channels=("chat",))
    assert [mapping.looks_at(channel) for channel in ("chat", "facebook", None)] == [True, False, True]
    assert Mapping().looks_at("facebook")
