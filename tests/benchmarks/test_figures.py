import pytest

from benchmarks.figures import Look, TooFew, percentile, rate, spread


def looks(*outs, every_s=1.0, cpu_s=0.5):
    return [Look(at * every_s, out, at * cpu_s) for at, out in enumerate(outs)]


def test_a_rate_is_that_from_a_tenth_of_the_output_to_all_of_it():
    # 1,000 records give 100 outputs; nine tenths of them between the second and the fifth look.
    found = rate(looks(0, 10, 40, 70, 100, 100), records=1_000, due=100)
    assert found.records_per_s == pytest.approx(900 / 3)
    assert found.cpu_s_per_million == pytest.approx(3 * 0.5 / 900 * 1e6)


def test_the_start_counts_for_nothing_however_long_it_took():
    slow = [Look(0.0, 0, 0.0), Look(100.0, 10, 50.0), Look(103.0, 100, 51.5)]
    assert rate(slow, records=1_000, due=100).records_per_s == pytest.approx(300)


def test_what_was_out_by_the_first_look_past_a_tenth_is_not_counted():
    assert rate(looks(0, 50, 100), records=1_000, due=100).records_per_s == pytest.approx(500)


def test_outputs_beyond_those_due_do_not_raise_the_rate():
    assert rate(looks(0, 10, 104), records=1_000, due=100) == rate(looks(0, 10, 100), records=1_000, due=100)


@pytest.mark.parametrize(
    "outs", [pytest.param((0, 61, 100), id="most was out at the first look"), pytest.param((0, 100), id="all was")]
)
def test_too_few_records_give_no_rate(outs):
    with pytest.raises(TooFew, match="1000 records are too few"):
        rate(looks(*outs), records=1_000, due=100)


@pytest.mark.parametrize("outs", [(), (0, 0, 0), (0, 10, 99)])
def test_an_output_that_does_not_come_to_its_end_gives_no_rate(outs):
    with pytest.raises(ValueError, match="of 100 outputs"):
        rate(looks(*outs), records=1_000, due=100)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.0, 1), (0.001, 1), (0.501, 51)]
)
def test_a_percentile_is_the_least_observed_value_that_covers_the_share(share, expected):
    values = list(range(1, 101))
    assert percentile(values[::-1], share) == expected


def test_a_percentile_of_one_value_is_that_value():
    assert [percentile([7.0], share) for share in (0.0, 0.5, 0.999)] == [7.0, 7.0, 7.0]


def test_there_is_no_percentile_of_nothing():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_spread_is_median_least_and_most():
    assert spread([5, 1, 3]) == (3, 1, 5)
    assert spread([4, 1, 2, 3]) == (2.5, 1, 4)
