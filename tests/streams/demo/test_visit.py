"""A visit as the chat box reports it: tabs and cookies."""

import json
import re
from collections import Counter, defaultdict

import pytest

from streams.attribution.cookies import read_cookie


def test_tabs_repeat_each_other_with_an_interaction_id_and_without_one_within_five_seconds(said):
    with_id = Counter(each["interaction_id"] for each in said if "interaction_id" in each)
    assert max(with_id.values()) == 3  # as many tabs as a visitor has
    without = defaultdict(set)
    for each in said:
        if "interaction_id" not in each and each["type"] == "automation_sent":
            session = each.get("session_id") or each.get("visitor_id")
            without[json.dumps([session, each["automation"]], sort_keys=True)].add(each["tab_id"])
    assert max(len(tabs) for tabs in without.values()) > 1


@pytest.mark.parametrize(
    "form",
    [
        r"GA1\.1\.\d+\.\d+",
        r"GA1\.2\.\d+\.\d+",
        r"GA1\.1\.deleted",
        r"GS1\.1\.\d+\..*",
        r"GS2\.1\.s\d+\$o.*",
        r"GS2\.1\.s\d+%24o.*",
    ],
)
def test_cookies_of_this_form_are_in_it(said, form):
    cookies = [cookie for each in said for cookie in each.get("ga", {}).get("cookies", {}).items()]
    found = [(name, value) for name, value in cookies if re.fullmatch(form, value)]
    assert found
    readable = {read_cookie(name, value) is not None for name, value in found}
    assert readable == {"deleted" not in form}
