"""What a person sees: plain text that survives any terminal, pipe and locale.

Texts from outside are shown through `shown`: a visitor's message must not colour
a terminal, move its cursor or turn its letters round.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["any_encoding", "print_table", "shown", "terminal"]

_CONTROLS: Final = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}


def shown(text: object) -> str:
    """A text from outside, made harmless: control and direction characters are spelled out."""
    return str(text).translate(_CONTROLS)


def any_encoding() -> None:
    """Let no letter that the locale cannot say end the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def terminal(file: TextIO) -> "Console":
    """A console that prints what it is given: no markup, no highlighting; colours on a terminal alone."""
    from rich.console import Console

    return Console(file=file, markup=False, highlight=False, emoji=False, soft_wrap=True)


def print_table(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on a terminal; in a pipe lines of columns with tabs between, without a head."""
    if not file.isatty():
        file.writelines("\t".join(shown("" if cell is None else cell) for cell in row) + "\n" for row in rows)
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, header_style="bold")
    for row in rows:
        table.add_row(*(Text(shown("" if cell is None else cell)) for cell in row))
    terminal(file).print(table)
