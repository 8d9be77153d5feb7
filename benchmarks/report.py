"""The report of a run: what it was taken on, the aims with what was reached, and each table. Pure."""

from benchmarks.aims import reached, to_markdown
from benchmarks.tables import Result
from benchmarks.tables import to_markdown as table_to_markdown

__all__ = ["report"]


def report(result: Result) -> str:
    """As Markdown."""
    machine = "\n".join(f"- {what}: {value}" for what, value in result.machine.items())
    parts = [f"`{result.command}`; each figure is the median of its turns (with the least to the most).", machine]
    parts += [aims] if (aims := to_markdown(reached(result.tables))) else []
    parts += [table_to_markdown(table) for table in result.tables]
    return "\n\n".join(parts) + "\n"
