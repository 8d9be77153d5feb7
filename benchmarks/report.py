"""The report of a run: the machine, each table, and the aims with what was reached. Pure."""

from benchmarks.tables import Result, to_markdown

__all__ = ["report"]


def report(result: Result) -> str:
    """As Markdown."""
    machine = "; ".join(f"{what}: {value}" for what, value in result.machine.items())
    parts = [f"`{result.command}`. Each figure is the median of its turns, with the least and the most.", machine]
    parts += [to_markdown(table) for table in result.tables]
    return "\n\n".join(parts) + "\n"
