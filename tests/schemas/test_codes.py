"""Codes of dead letters: fixed, and each with a meaning."""

import re
from typing import get_args

from schemas.codes import CODES, Code


def test_every_code_has_a_meaning_and_no_other_has():
    assert tuple(CODES) == get_args(Code)
    assert all(CODES.values())


def test_a_code_is_short_and_fit_for_a_label():
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)?", code) for code in CODES)
