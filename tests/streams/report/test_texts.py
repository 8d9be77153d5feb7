"""Texts: numbers as they are read, and names that cannot do harm."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.report import texts
from streams.report.intervals import Difference, difference, share


def spoken(text):
    """With the letters of a plain keyboard."""
    return text.translate({0xA0: " ", 0x2013: "-", 0x2212: "-"})


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (71 / 3_796, "1.9 %"),
        (0, "0.0 %"),
        (0.0004, "< 0.1 %"),
        (0.0005, "0.1 %"),
        (1, "100.0 %"),
        (0.99951, "> 99.9 %"),
        (None, "-"),
    ],
)
def test_a_share_is_in_hundredths_and_little_is_not_nothing(part, text):
    assert spoken(texts.percent(part)) == text


def test_intervals_and_differences():
    assert spoken(texts.interval(share(71, 3_796))) == "1.5-2.4 %"
    assert texts.interval(share(0, 0)) == texts.points(None) == texts.decimal(None) == texts.NONE
    apart = difference(share(5, 56), share(0, 29))
    assert spoken(texts.points(apart.difference)) == "+8.9 points"
    assert spoken(texts.points_interval(apart)) == "-3.8 to +19.3"
    assert spoken(texts.points(-0.00001)) == "0.0 points", "no minus before a zero"
    assert texts.points_interval(Difference(None, None, None)) == texts.NONE


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (207.2, "3 min 27 s"),
        (3_599.6, "1 h 00 min"),
        (90_061, "25 h 01 min"),
    ],
)
def test_a_time_is_in_the_units_that_matter(seconds, text):
    assert spoken(texts.duration(seconds)) == text


def test_amounts_counts_and_dates():
    assert spoken(texts.amount(12_340.5, "CZK")) == "12,340.50 CZK"
    assert spoken(texts.amount(1, "")) == "1.00 (no currency)"
    assert texts.count(3_796) == "3,796"
    assert texts.decimal(2.345) == "2.35"
    assert spoken(texts.day(date(2026, 1, 5))) == "5 Jan 2026"
    assert [spoken(texts.period(date(2026, 2, 2), unit)) for unit in ("day", "week", "month")] == [
        "2 Feb 2026",
        "week of 2 Feb 2026",
        "Feb 2026",
    ]
    assert spoken(texts.moment(1_767_654_000_000_000, "Europe/Prague")) == "6 Jan 2026 00:00"


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ("  Two\n lines ", "Two lines"),
        ("", "(no name)"),
        (" ", "(no name)"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "a\N{REPLACEMENT CHARACTER}b"),
        ("Dvořáková", "Dvořáková"),
        ("👩\N{ZERO WIDTH JOINER}💻", "👩\N{ZERO WIDTH JOINER}💻"),
    ],
)
def test_of_a_name_everything_is_seen(given_, text):
    assert texts.plain(given_) == text


@given(st.text(), st.integers(2, 40))
def test_a_name_is_as_long_as_it_may_be_and_in_one_line(name, longest):
    shown = texts.plain(name, longest)
    assert len(shown) <= max(longest, len("(no name)"))
    assert shown == " ".join(shown.split())
    assert not any(ord(letter) < 0x20 for letter in shown)
