"""What the demo tells: numbers that are there to be read, plain in a pipe."""

import io

from rich.console import Console

from streams.demo.telling import Teller
from streams.demo.verdict import Check


def told(tell, *, terminal: bool = False) -> str:
    out = io.StringIO()
    tell(Teller(Console(file=out, force_terminal=terminal, width=120, highlight=False)))
    return out.getvalue()


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


def test_a_pipe_gets_no_escapes_and_no_bars():
    def tell(teller):
        teller.step("begun")
        with teller.progress({"records": 10}) as bars:
            bars.to("records", 5)
        teller.trouble("[red]as it is[/red]")

    assert told(tell) == "begun\n[red]as it is[/red]\n"


def test_a_terminal_gets_bars():
    def tell(teller):
        with teller.progress({"records": 10}) as bars:
            bars.to("records", 5)

    assert "5/10" in told(tell, terminal=True)


def test_every_event_name_has_a_row_and_legacy_names_their_own():
    arrived = {("ga4", "Chatbot_sent"): 1_200, ("ua", "Chatbot_sent"): 3, ("ua", "Chatbot message viewed"): 7}
    text = told(lambda teller: teller.events({"Chatbot_sent": 1_500}, arrived))
    assert ["Chatbot_sent", "1,500", "1,200", "3"] in rows(text)
    assert ["Chatbot_viewed", "·", "·", "·"] in rows(text)
    assert ["Chatbot message viewed (legacy name)", "7"] in rows(text)


def test_a_dead_letter_s_reason_is_shown_as_it_is_and_cut_where_it_is_long():
    counts = {("$", "not_json"): 2, ("tab_id", "invalid"): 1}
    reasons = {("$", "not_json"): "Expected [b]JSON[/b]", ("tab_id", "invalid"): "x" * 200}
    text = told(lambda teller: teller.dead_letters(counts, reasons))
    assert ["$", "not_json", "2", "Expected [b]JSON[/b]"] in rows(text)
    assert ["tab_id", "invalid", "1", "x" * 69 + "…"] in rows(text)


def test_duplicates_and_receipts_are_counted():
    assert ["another tab's copy within 5 s", "4"] in rows(told(lambda teller: teller.duplicates({"tab_copy": 4})))
    assert ["no_secret", "9"] in rows(told(lambda teller: teller.receipts({"no_secret": 9})))


def test_the_verdict_shows_what_does_not_hold():
    text = told(lambda teller: teller.verdict([Check("a", True, "1"), Check("b", False, "1 instead of 2")]))
    assert ["ok", "a", "1"] in rows(text)
    assert ["NOT OK", "b", "1 instead of 2"] in rows(text)


def test_an_explanation_is_shown_as_it_is():
    text = told(lambda teller: teller.explained("Why [x] is", ["  → [y] “z”"]))
    assert text == "\nWhy [x] is\n  → [y] “z”\n"


def test_the_urls_are_told():
    text = told(lambda teller: teller.urls("http://127.0.0.1:1", "http://127.0.0.1:2"))
    for url in ("http://127.0.0.1:1/healthz", "http://127.0.0.1:1/metrics", "http://127.0.0.1:2/summary"):
        assert url in text
