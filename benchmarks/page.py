"""docs/performance.md: its figures, from the result that stands in the repository.

    python -m benchmarks.page [--check]

Between the two marks stands what this writes; all else is written by people. With
`--check` nothing is written, and the exit code is 1 where it would be something else.
The charts beside it are drawn by `benchmarks.charts`.
"""

import sys
from typing import Final

from benchmarks.published import CHARTS, PAGE, RESULT
from benchmarks.report import report
from benchmarks.tables import Result, of_json

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


def main(arguments: list[str]) -> int:
    """Write it, or look whether it is written."""
    now = PAGE.read_text(encoding="utf-8")
    then = page(now, of_json(RESULT.read_bytes()))
    if arguments == ["--check"]:
        if now != then:
            print(f"{PAGE.name} is not what benchmarks/results says: `make bench-docs`", file=sys.stderr)
        return int(now != then)
    PAGE.write_text(then, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
