"""Attribution: which automation a visitor's reaction is credited to. Pure: see `step`."""

from streams.attribution.compiled import CORE
from streams.attribution.reasons import Reason
from streams.attribution.rulebook import RULES, Rule
from streams.attribution.rules import RuleBook, Rules, unknown_type
from streams.attribution.step import Decision, step

__all__ = ["CORE", "RULES", "Decision", "Reason", "Rule", "RuleBook", "Rules", "step", "unknown_type"]
