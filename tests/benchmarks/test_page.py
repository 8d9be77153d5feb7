import pytest

from benchmarks.page import BEGIN, END, page
from benchmarks.published import PAGE, RESULT
from benchmarks.tables import Column, Result, Table, of_json


def test_figures_stand_between_the_marks_and_all_else_is_left():
    table = Table("scaling", "Scaling", "So.", "worker", [Column("records_per_s", "records a second")])
    table.add("1 process", {"records_per_s": 5_000.0})
    made = page(f"# Speed\n{BEGIN}\nold\n{END}\nWhy so.\n", Result({"cores": "2"}, "make bench", [table]))
    assert made.startswith(f"# Speed\n{BEGIN}\n")
    assert made.endswith(f"{END}\nWhy so.\n")
    assert "| 1 process | 5,000 |" in made
    assert "(charts/scaling.svg)" in made
    assert "old" not in made
    assert page(made, Result({"cores": "2"}, "make bench", [table])) == made


def test_a_table_without_figures_has_no_chart():
    table = Table("scaling", "Scaling", "So.", "worker", [])
    table.miss("1 process", "no Java")
    assert "scaling.svg" not in page(f"{BEGIN}{END}", Result({}, "make bench", [table]))


def test_a_page_without_a_place_for_figures_is_refused():
    with pytest.raises(ValueError, match="no place for figures"):
        page("# Speed\n", Result({}, "make bench", []))


def test_the_page_says_what_the_figures_in_the_repository_say():
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, of_json(RESULT.read_bytes())) == text


def test_the_charts_that_the_page_shows_are_there():
    text = PAGE.read_text(encoding="utf-8")
    shown = {part.partition(")")[0] for part in text.split("](charts/")[1:]}
    assert {path.name for path in (PAGE.parent / "charts").glob("*.svg")} == shown
