from benchmarks.sinking import table_of


def test_the_figures_of_each_server_and_way_are_a_row():
    found = {
        "at once": {"the sink": [{"requests_per_s": 2.0, "events_per_s": 4.0}, {"requests_per_s": 3.0}]},
        "20 ms away": {"the sink": [{"requests_per_s": 1.0}]},
    }
    rows = {row.name: row.figures for row in table_of(found, "So.").rows}
    assert rows == {
        "at once, the sink": {"requests_per_s": [2.0, 3.0], "events_per_s": [4.0]},
        "20 ms away, the sink": {"requests_per_s": [1.0]},
    }
