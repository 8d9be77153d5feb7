"""CONTRACT §2: the forms of GA's own cookies."""

import pytest

from streams.attribution.cookies import read_cookie


@pytest.mark.parametrize(
    ("value", "client_id"),
    [
        ("GA1.1.1234567890.1700000000", "1234567890.1700000000"),
        ("GA1.2.1.2", "1.2"),
        ("GA1.any.1.2", "1.2"),
        ("GA1.1-2.1.2", "1.2"),
        ("GA1.1.1.2.3", None),
        ("GA1.1.2", None),
        ("GA1.1.amp-x", None),
        ("GA1.1.a.2", None),
        ("GA1.1.1.b", None),
        ("GA1.1.1.", None),
        ("GA1.1..2", None),
        ("GA1.1.1.2 ", None),
        ("GA1.1.1.2\n", None),
        (" GA1.1.1.2", None),
        ("GA1.1.\u0661.\u0662", None),
        ("ga1.1.1.2", None),
        ("GA2.1.1.2", None),
        ("1.2", None),
        ("", None),
    ],
)
def test_ga_is_ga1_any_a_b_with_a_and_b_digits(value, client_id):
    assert read_cookie("_ga", value) == client_id


@pytest.mark.parametrize(
    ("value", "session_id"),
    [
        ("GS1.1.1700000000.3.1.1700000100.0.0.0", "1700000000"),
        ("GS1.2.1700000000", "1700000000"),
        ("GS1.1.5.whatever follows", "5"),
        ("GS1.1.5.\n", "5"),
        ("GS1.1", None),
        ("GS1.1.", None),
        ("GS1.1.abc.1", None),
        ("GS1.1.s5$o1", None),
        ("GS1.x.5.1", None),
        ("GS3.1.5.1", None),
        ("gs1.1.5.1", None),
        ("5", None),
        ("", None),
    ],
)
def test_gs1_n_id_whatever_follows(value, session_id):
    assert read_cookie("_ga_ABC", value) == session_id


@pytest.mark.parametrize(
    ("value", "session_id"),
    [
        ("GS2.1.s1700000000$o3$g1$t1700000100", "1700000000"),
        ("GS2.1.s1700000000%24o3%24g1", "1700000000"),
        ("GS2.1.s7", "7"),
        ("GS2.1.o3$s7", "7"),
        ("GS2.1.o3%24t9$s7", "7"),
        ("GS2.1.s7$s8", "7"),
        ("GS2.1.o3$s7$s8", "7"),
        ("GS2.1.sabc$s8", "8"),
        ("GS2.1.t9$o1", None),
        ("GS2.1.s$o1", None),
        ("GS2.1.sabc$o1", None),
        ("GS2.1.s7x$o1", None),
        ("GS2.1.", None),
        ("GS2.1", None),
        ("GS2.x.s7", None),
        ("GS2.1.xs7", None),
    ],
)
def test_gs2_n_items_in_any_order_the_first_that_is_s_and_digits(value, session_id):
    assert read_cookie("_ga_ABC", value) == session_id


def test_a_streams_cookie_is_not_read_as_the_clients_nor_the_other_way_round():
    assert read_cookie("_ga", "GS1.1.5.1") is None
    assert read_cookie("_ga_ABC", "GA1.1.1.2") is None


@pytest.mark.parametrize(
    ("name", "looked_at"),
    [
        ("_ga", True),
        ("_ga_ABC", True),
        ("_ga_", True),
        ("ga", False),
        ("_gat", False),
        ("_gid", False),
        ("_gac_1", False),
    ],
)
def test_which_cookies_are_looked_at(name, looked_at):
    well_formed = "GA1.1.1.2" if name == "_ga" else "GS1.1.5"
    assert (read_cookie(name, well_formed) is not None) is looked_at
