"""Attribution: which automation a visitor's reaction is credited to. Pure: see `step`."""

from streams.attribution.compiled import CORE
from streams.attribution.reasons import Reason
from streams.attribution.rulebook import RULES, Rule
from streams.attribution.rules import RuleBook, Rules
from streams.attribution.step import Decision, step

__all__ = ["CORE", "RULES", "Decision", "Reason", "Rule", "RuleBook", "Rules", "step"]
