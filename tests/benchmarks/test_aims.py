import pytest

from benchmarks.aims import AIMS, Aim, Reached, Where, reached, to_markdown
from benchmarks.engines import ENGINES
from benchmarks.names import OURS, QUIX
from benchmarks.tables import Table


def throughput(ours, quix):
    table = Table("throughput_full", "", "", "engine", [])
    for rate in ours:
        table.add(OURS, {"records_per_s": rate})
    for rate in quix:
        table.add(QUIX, {"records_per_s": rate})
    return table


def against_quix(tables):
    (found,) = [each for each in reached(tables) if each.aim.what == "full job, against Quix Streams"]
    return found


@pytest.mark.parametrize(
    ("ours", "quix", "quotient", "holds"),
    [
        ([30.0, 10.0, 31.0], [10.0, 100.0, 9.0], 3.0, True),
        ([29.0], [10.0], 2.9, False),
    ],
)
def test_an_aim_is_held_against_the_quotient_of_medians(ours, quix, quotient, holds):
    found = against_quix([throughput(ours, quix)])
    assert found.figure == pytest.approx(quotient)
    assert found.holds is holds


@pytest.mark.parametrize("tables", [[], [throughput([30.0], [])], [throughput([], [10.0])], [throughput([1.0], [0.0])]])
def test_what_was_not_measured_neither_holds_nor_fails(tables):
    found = against_quix(tables)
    assert found.figure is None
    assert found.holds is None
    assert "Quix" not in to_markdown(reached(tables))


@pytest.mark.parametrize(("figure", "holds"), [(49.9, True), (50.0, True), (50.1, False)])
def test_at_most_is_held_to_the_bound_itself(figure, holds):
    assert Reached(Aim("p99", Where("", "", ""), at_most=50), figure).holds is holds


def test_what_was_reached_is_told_beside_what_was_wanted():
    told = to_markdown(reached([throughput([29.0], [10.0])])).splitlines()
    assert told[-1] == "| full job, against Quix Streams | at least 3 | 2.9 | no |"


def test_every_engine_that_an_aim_names_is_one_that_is_measured():
    named = {where for aim in AIMS for where in (aim.figure, aim.beside) if where is not None}
    measured = {(f"throughput_{engine.job}", engine.name) for engine in ENGINES}
    assert {(where.table, where.row) for where in named if where.table.startswith("throughput")} <= measured
