"""What is shown is harmless, and a table is lines in a pipe."""

import io
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streams.cli import console
from streams.cli.console import print_table, shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


@given(st.text())
def test_no_text_from_outside_reaches_a_terminal_as_a_command(text):
    assert not any(unicodedata.category(letter) == "Cc" for letter in shown(text))
    assert not set(shown(text)) & set("\u200e\u200f\u202a\u202e\u2066\u2069")


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_ordinary_text_stays_as_it_is(text):
    assert shown(text) == text


def test_in_a_pipe_a_table_is_lines_with_tabs():
    out = io.StringIO()
    print_table(out, ("a", "b"), [("x\ty", None), (1, "[bold]z")])
    assert out.getvalue() == "x\\x09y\t\n1\t[bold]z\n"


def test_on_a_terminal_a_table_has_a_head_and_says_what_it_was_given(monkeypatch):
    out = Terminal()
    monkeypatch.setattr(console, "terminal", lambda file: Console(file=file, width=60))
    print_table(out, ("head", "b"), [("[bold]x", "\x1b[31m")])
    assert "head" in out.getvalue()
    assert "[bold]x" in out.getvalue()
    assert "\\x1b[31m" in out.getvalue()
