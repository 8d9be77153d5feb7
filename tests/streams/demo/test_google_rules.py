import json

import pytest

from streams.demo.google_rules import check_batch, check_ga4, check_hit

NOW = 1_790_000_000_000_000
WINDOW = 72 * 3_600_000_000
QUERY = {"measurement_id": "G-A1", "api_secret": "s"}
PARAMS = {"session_id": "17", "engagement_time_msec": 1}
EVENT = {"name": "Chatbot_sent", "timestamp_micros": NOW, "params": PARAMS}
BODY = {"client_id": "1.2", "events": [EVENT]}
HIT = {"v": "1", "t": "event", "tid": "UA-1-1", "cid": "1.2", "ec": "c", "ea": "a"}


def ga4(body, query=None, content_type="application/json", raw=None, **how):
    raw = json.dumps(body).encode() if raw is None else raw
    query = QUERY if query is None else query
    return [wrong.rule for wrong in check_ga4(query, content_type, raw, body, NOW, **how)]


def of_properties(**properties):
    return ga4({**BODY, "user_properties": {name: {"value": value} for name, value in properties.items()}})


def of_event(**changes):
    return ga4({**BODY, "events": [{**EVENT, **changes}]})


def of_params(**params):
    return of_event(params={**PARAMS, **params})


def test_what_is_right_breaks_no_rule():
    assert ga4(BODY) == []
    assert list(check_hit(HIT, 100)) == []


@pytest.mark.parametrize(
    ("found", "rules"),
    [
        (ga4(BODY, {"api_secret": "s"}), ["measurement_id"]),
        (ga4(BODY, {**QUERY, "measurement_id": "UA-1-1"}), ["measurement_id"]),
        (ga4(BODY, {"measurement_id": "G-A"}), ["api_secret"]),
        (ga4(BODY, content_type="text/plain"), ["content_type"]),
        (ga4(BODY, raw=b"x" * 129_999), []),
        (ga4(BODY, raw=b"x" * 130_000), ["body_size"]),
        (ga4([]), ["body"]),
        (ga4(None), ["body"]),
        (ga4({**BODY, "sid": 1}), ["unknown_field"]),
        (ga4({**BODY, "timestamp_micros": True}), ["field_type"]),
        (ga4({"events": [EVENT]}), ["client_id"]),
        (ga4({**BODY, "client_id": " "}), ["client_id"]),
        (ga4({**BODY, "client_id": 1.2}), ["field_type", "client_id"]),
        (ga4({**BODY, "client_id": "cid.1"}), []),
        (ga4({**BODY, "client_id": "cid.1"}, validating=True), ["client_id_form"]),
        (ga4({**BODY, "client_id": " "}, validating=True), ["client_id"]),
        (ga4(BODY, validating=True), []),
        (of_properties(**{f"p{number}": "v" for number in range(25)}), []),
        (of_properties(**{f"p{number}": "v" for number in range(26)}), ["user_properties_count"]),
        (of_properties(**{"x" * 24: "v"}), []),
        (of_properties(**{"x" * 25: "v"}), ["user_property_name"]),
        (of_properties(user_id="v"), ["user_property_reserved"]),
        (of_properties(ga_x="v"), ["user_property_reserved"]),
        (of_properties(x="v" * 36, y=1), []),
        (of_properties(x="v" * 37), ["user_property_length"]),
        (ga4({**BODY, "user_id": "u" * 256}), []),
        (ga4({**BODY, "user_id": "u" * 257}), ["user_id_length"]),
        (ga4({**BODY, "user_id": ""}), ["user_id_length"]),
        (ga4({**BODY, "user_agent": "x", "device": {}}), ["user_agent_ignored"]),
        (ga4({**BODY, "consent": {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}}), []),
        (ga4({**BODY, "consent": {"ad_user_data": "granted"}}), ["consent"]),
        (ga4({**BODY, "consent": {"analytics_storage": "GRANTED"}}), ["consent"]),
        (ga4({"client_id": "1.2"}), ["events_count"]),
        (ga4({**BODY, "events": []}), ["events_count"]),
        (ga4({**BODY, "events": [EVENT] * 25}), []),
        (ga4({**BODY, "events": [EVENT] * 26}), ["events_count"]),
        (ga4({**BODY, "events": ["x"]}), ["event_form"]),
        (of_event(parms={}), ["event_form"]),
        (of_event(name="x" * 40), []),
        (of_event(name="x" * 41), ["event_name"]),
        (of_event(name="Chatbot sent"), ["event_name"]),
        (of_event(name="1st"), ["event_name"]),
        (of_event(name=None), ["event_name"]),
        (of_event(name="session_start"), ["event_name_reserved"]),
        (of_event(name="google_x"), ["event_name_reserved"]),
        (of_event(name="_x"), ["event_name"]),
        (of_event(name="ad_impression"), []),
        (of_event(timestamp_micros=NOW), []),
        (of_event(timestamp_micros=NOW + 1), ["timestamp_future"]),
        (of_event(timestamp_micros=NOW - WINDOW), []),
        (of_event(timestamp_micros=NOW - WINDOW - 1), ["timestamp_past"]),
        (of_event(timestamp_micros="1"), ["timestamp_type"]),
        (ga4({**BODY, "timestamp_micros": 1, "events": [{"name": "a", "params": PARAMS}]}), ["timestamp_past"]),
        (of_event(params=[]), ["params_form"]),
        (of_event(params={}), ["session_id_missing", "engagement_time_msec_missing"]),
        (of_params(**{f"p{number}": 1 for number in range(23)}), []),
        (of_params(**{f"p{number}": 1 for number in range(24)}), ["params_count"]),
        (of_params(**{"x" * 40: 1}), []),
        (of_params(**{"x" * 41: 1}), ["param_name"]),
        (of_params(**{"a b": 1}), ["param_name"]),
        (of_params(ga_x=1), ["param_name_reserved"]),
        (of_params(google_x=1), ["param_name_reserved"]),
        (of_params(firebase_conversion=1), ["param_name_reserved"]),
        (of_params(x=None), ["param_type"]),
        (of_params(x=True), ["param_type"]),
        (of_params(x={}), ["param_type"]),
        (of_params(x=1.5, y=2, z="3"), []),
        (of_params(x="v" * 100), []),
        (of_params(x="v" * 101), ["param_value_length"]),
        (of_params(x="😀" * 51), ["param_value_length"]),
        (of_params(page_title="v" * 300, page_referrer="v" * 420, page_location="v" * 1_000), []),
        (of_params(page_title="v" * 301), ["param_value_length"]),
        (of_params(page_referrer="v" * 421), ["param_value_length"]),
        (of_params(page_location="v" * 1_001), ["param_value_length"]),
        (of_params(engagement_time_msec="1"), ["engagement_time_msec"]),
        (of_params(engagement_time_msec=-1), ["engagement_time_msec"]),
        (of_params(session_id=17), []),
        (of_params(session_id="GS-id." + "x" * 200), []),
        (of_params(session_id="0"), ["session_id"]),
        (of_params(session_id=""), ["session_id"]),
        (of_params(session_id=-5), ["session_id"]),
        (of_params(engagement_time_msec=0), []),
    ],
)  # fmt: skip
def test_each_rule_of_ga4(found, rules):
    assert found == rules


@pytest.mark.parametrize(
    ("changes", "size", "rules"),
    [
        ({}, 8_192, []),
        ({}, 8_193, ["hit_size"]),
        ({"v": "2"}, 9, ["hit_form"]),
        ({"v": ""}, 9, ["hit_required", "hit_form"]),
        ({"tid": "G-A"}, 9, ["hit_form"]),
        ({"t": "click"}, 9, ["hit_form"]),
        ({"ec": ""}, 9, ["hit_required"]),
        ({"ea": ""}, 9, ["hit_required"]),
        ({"t": "pageview", "ec": "", "ea": ""}, 9, []),
        ({"cid": ""}, 9, ["hit_required"]),
        ({"cid": "", "uid": "u"}, 9, []),
        ({"ev": "-1"}, 9, ["hit_form"]),
        ({"ev": "5", "qt": "3", "npa": "1"}, 9, []),
        ({"qt": "1.5"}, 9, ["hit_form"]),
        ({"npa": "yes"}, 9, ["hit_form"]),
        ({"ec": "x" * 150, "ea": "x" * 500, "el": "x" * 500, "dl": "x" * 2_048, "dt": "x" * 1_500}, 8_000, []),
        ({"ec": "x" * 151}, 8_000, ["hit_value_length"]),
        ({"ea": "x" * 501}, 8_000, ["hit_value_length"]),
        ({"el": "é" * 251}, 8_000, ["hit_value_length"]),
        ({"dl": "x" * 2_049}, 8_000, ["hit_value_length"]),
        ({"dr": "x" * 2_048, "ul": "x" * 20}, 8_000, []),
        ({"dr": "x" * 2_049}, 8_000, ["hit_value_length"]),
        ({"dt": "x" * 1_501}, 8_000, ["hit_value_length"]),
        ({"ul": "x" * 21}, 8_000, ["hit_value_length"]),
        ({"ua": "x" * 5_000}, 8_000, []),
    ],
)
def test_each_rule_of_a_hit(changes, size, rules):
    assert [wrong.rule for wrong in check_hit({**HIT, **changes}, size)] == rules


@pytest.mark.parametrize(
    ("hits", "size", "rules"),
    [(1, 9, []), (20, 16_384, []), (0, 0, ["batch_hits"]), (21, 9, ["batch_hits"]), (2, 16_385, ["batch_size"])],
)
def test_each_rule_of_a_batch(hits, size, rules):
    assert [wrong.rule for wrong in check_batch(hits, size)] == rules


def test_it_shares_nothing_with_what_it_checks():
    import ast
    import inspect

    import streams.demo.collector
    import streams.demo.google_rules
    import streams.demo.google_validation
    import streams.demo.packing_rules

    demo = streams.demo
    for module in (demo.collector, demo.google_rules, demo.google_validation, demo.packing_rules):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.split(".")[0] in ("schemas", "streams") and "demo" not in name]
