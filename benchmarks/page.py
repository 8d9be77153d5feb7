"""docs/performance.md: its figures, from the result that stands in the repository.

    python -m benchmarks.page [--take FILE]

Between the two marks stands what this writes; all else is written by people. With
`--take` the figures of a run become those of the repository first. The charts beside
it are drawn by `benchmarks.charts`.
"""

import argparse
from pathlib import Path
from typing import Final

from benchmarks.published import CHARTS, PAGE, RESULT
from benchmarks.report import report
from benchmarks.tables import Result, of_json, to_json

__all__ = ["BEGIN", "END", "page"]

BEGIN: Final = "<!-- Figures: written by `make bench-docs` from benchmarks/results; do not edit. -->"
END: Final = "<!-- Figures end. -->"


def page(text: str, result: Result) -> str:
    """The page with the figures of a result in it. Raises ValueError where it has no place for them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for figures: {BEGIN} … {END}")
    shown = [table.key for table in result.tables if table.key in CHARTS and any(row.figures for row in table.rows)]
    charts = "\n".join(f"![{CHARTS[key]}](charts/{key}.svg)" for key in shown)
    return f"{before}{BEGIN}\n\n{report(result)}\n{charts}\n\n{END}{after}"


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page")
    parser.add_argument("--take", type=Path, metavar="FILE", help="a run's figures, such as .cache/bench/full.json")
    taken: Path | None = parser.parse_args().take
    result = of_json((taken or RESULT).read_bytes())
    RESULT.write_bytes(to_json(result))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), result), encoding="utf-8")


if __name__ == "__main__":
    main()
