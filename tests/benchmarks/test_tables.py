import msgspec
import pytest

from benchmarks.tables import Column, Result, Table, median_of, number, of_json, to_json, to_markdown


@pytest.fixture
def table():
    made = Table(
        "speed", "Speed", "On one machine.", "engine", [Column("rate", "records a second"), Column("mib", "MiB")]
    )
    for rate in (900.0, 1_100.0, 1_000.0):
        made.add("fast", {"rate": rate, "mib": 12.0})
    made.add("one turn", {"rate": 5.0})
    made.miss("absent", "there is no Java 17 or later")
    return made


def test_a_table_shows_medians_and_spreads_and_why_a_row_is_empty(table):
    assert to_markdown(table).splitlines() == [
        "### Speed",
        "",
        "On one machine.",
        "",
        "| engine | records a second | MiB |",
        "|---|---|---|",
        "| fast | 1,000 (900 to 1,100) | 12 |",
        "| one turn | 5 | - |",
        "| absent | not measured: there is no Java 17 or later | - |",
    ]


def test_a_reason_of_several_lines_stays_in_its_cell(table):
    table.miss("absent", "Maven said\n| ERROR |")
    assert to_markdown(table).splitlines()[-1] == r"| absent | not measured: Maven said \| ERROR \| | - |"


def test_a_turn_that_failed_is_told_though_others_gave_figures(table):
    table.miss("fast", "TimeoutError: it hung")
    assert to_markdown(table).splitlines()[-2:] == ["", "- fast: a turn failed: TimeoutError: it hung"]


def test_every_figure_of_every_turn_is_kept(table):
    kept = of_json(to_json(Result({"cores": "2"}, "make bench", [table])))
    assert kept.tables == [table]
    assert kept.tables[0].row("fast").figures["rate"] == [900.0, 1_100.0, 1_000.0]


def test_what_is_no_result_is_refused():
    with pytest.raises(msgspec.ValidationError):
        of_json(b'{"machine": 2}')


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (("speed", "fast", "rate"), 1_000),
        (("speed", "absent", "rate"), None),
        (("speed", "nobody", "rate"), None),
        (("speed", "one turn", "mib"), None),
        (("another", "fast", "rate"), None),
    ],
)
def test_a_median_is_found_or_there_is_none(table, where, expected):
    assert median_of([table], *where) == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.01234, "0.0123"), (1.5, "1.5"), (9.876, "9.88"), (12.34, "12.3"), (12.0, "12"), (1_234.5, "1,234"), (0.0, "0")],
)
def test_numbers_have_as_many_digits_as_say_something(value, shown):
    assert number(value) == shown
