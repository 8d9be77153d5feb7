"""Comparison: what two rule sets, or two versions of the rules, make of one history, and how that differs."""

from streams.comparison.compared import SIDES, Compared, Side, Under
from streams.comparison.differences import KINDS, Difference
from streams.comparison.run import History, compare
from streams.comparison.summary import Credited, Row, Summary

__all__ = [
    "KINDS",
    "SIDES",
    "Compared",
    "Credited",
    "Difference",
    "History",
    "Row",
    "Side",
    "Summary",
    "Under",
    "compare",
]
