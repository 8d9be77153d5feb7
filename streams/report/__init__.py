"""The report: what the chat is worth, from the same history and by the same `step` as everything else (DESIGN §5)."""

from streams.report.run import Report, Reported, report

__all__ = ["Report", "Reported", "report"]
