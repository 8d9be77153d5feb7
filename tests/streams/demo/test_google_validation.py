import re
from pathlib import Path

from streams.demo import google_rules
from streams.demo.google_rules import Violation
from streams.demo.google_validation import validation_answer

CODES = {
    *("VALUE_INVALID", "VALUE_REQUIRED", "NAME_INVALID", "NAME_RESERVED", "VALUE_OUT_OF_BOUNDS"),
    *("EXCEEDED_MAX_ENTITIES", "NAME_DUPLICATED"),
}
"""Those of Google's page, "Validation code"."""


def test_nothing_wrong_is_an_empty_list():
    assert validation_answer([]) == {"validationMessages": []}


def test_a_message_names_field_code_and_the_event_by_its_place():
    wrong = [Violation("event_name", "'a b'", 3), Violation("client_id_form", "[cid.1] should be …")]
    assert validation_answer(wrong)["validationMessages"] == [
        {
            "fieldPath": "events",
            "description": "Event at index: [3]: event_name: 'a b'",
            "validationCode": "NAME_INVALID",
        },
        {
            "fieldPath": "client_id",
            "description": "client_id_form: [cid.1] should be …",
            "validationCode": "VALUE_INVALID",
        },
    ]


def test_every_rule_of_ga4_has_its_message_in_googles_words():
    source = Path(google_rules.__file__).read_text(encoding="utf-8").partition("# -- Universal Analytics")[0]
    rules = set(re.findall(r'Violation\("([a-z_]+)"', source))
    rules |= {f"{key}_missing" for key in ("session_id", "engagement_time_msec")}
    assert len(rules) > 25
    for rule in rules:
        (message,) = validation_answer([Violation(rule, "x")])["validationMessages"]
        assert message["validationCode"] in CODES
