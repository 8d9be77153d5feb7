import orjson
import pytest

from benchmarks.throughput import differences

DUE = {b"a": [b'{"n":1}', b'{"n":2}'], b"b": [b'{"n":1}']}


def given(*pairs):
    return list(pairs)


def test_the_same_outputs_in_any_order_of_keys_are_no_difference():
    found = given((b"b", b'{"n":1}'), (b"a", b'{"n":1}'), (b"a", b'{"n":2}'))
    assert differences(DUE, found, bytes) == ""


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param([(b"a", b'{"n":2}'), (b"a", b'{"n":1}'), (b"b", b'{"n":1}')], "output 1 of a", id="order"),
        pytest.param([(b"a", b'{"n":1}'), (b"b", b'{"n":1}')], "1 outputs and not 2 of a", id="one is missing"),
        pytest.param(
            [(b"a", b'{"n":1}'), (b"a", b'{"n":2}'), (b"b", b'{"n":1}'), (b"b", b'{"n":1}')],
            "2 outputs and not 1 of b",
            id="one is doubled",
        ),
        pytest.param([(b"a", b'{"n":1}'), (b"a", b'{"n":3}'), (b"b", b'{"n":1}')], "output 2 of a", id="one is wrong"),
        pytest.param([*((b"a", each) for each in DUE[b"a"])], "0 outputs and not 1 of b", id="a key is missing"),
        pytest.param(
            [*((b"a", each) for each in DUE[b"a"]), (b"b", b'{"n":1}'), (b"c", b"{}")],
            "1 outputs and not 0 of c",
            id="a key too many",
        ),
    ],
)
def test_every_difference_is_told_by_its_key(found, told):
    assert told in differences(DUE, found, bytes)


def test_counts_are_compared_by_what_they_say():
    written_otherwise = given((b"a", b'{ "n": 1 }'), (b"a", b'{"n":2}'), (b"b", b'{"n":1}'))
    assert differences(DUE, written_otherwise, orjson.loads) == ""
    assert "output 1 of a" in differences(DUE, written_otherwise, bytes)
