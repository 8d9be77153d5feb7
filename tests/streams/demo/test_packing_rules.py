import pytest

from streams.demo.packing_rules import Order, check_packing


@pytest.mark.parametrize(
    ("arrivals", "rules"),
    [
        ([], []),
        ([("G-A", "1.2", "e1"), ("G-A", "1.2", "e2")], []),
        ([("G-A", "1.2", None), ("G-A", "1.2", None)], []),
        ([("G-A", "1.2", "e1"), ("G-A", "1.3", "e2")], ["request_mixed"]),
        ([("UA-1-1", "1.2", "e1"), ("UA-1-2", "1.2", "e2")], ["request_mixed"]),
        ([("G-A", "1.2", "e1"), ("G-A", "1.2", "e1")], ["request_repeats"]),
    ],
)
def test_a_request_is_of_one_client_at_one_tracker_and_holds_no_event_twice(arrivals, rules):
    assert [wrong.rule for wrong in check_packing(arrivals)] == rules


@pytest.mark.parametrize(
    ("came", "wrong"),
    [
        (["e0", "e1", "e2"], []),
        (["e1", "e0", "e2"], ["e0"]),
        (["e2", "e0", "e1"], ["e0", "e1"]),
        (["e0", "e2"], []),
        (["other", "e0"], []),
    ],
)
def test_what_comes_after_one_that_follows_it_is_out_of_order(came, wrong):
    order = Order({"e0": 0, "e1": 1, "e2": 2})
    assert [event_id for event_id in came if list(order.check("G-A", "1.2", event_id))] == wrong


def test_each_client_at_each_tracker_has_an_order_of_its_own():
    order = Order({"e0": 0, "e1": 1})
    for lane in (("G-A", "1.2"), ("G-B", "1.2"), ("G-A", "1.3")):
        assert not list(order.check(*lane, "e1"))
    assert [wrong.rule for wrong in order.check("G-A", "1.2", "e0")] == ["order"]
