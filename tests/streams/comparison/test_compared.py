"""What is the same is what is left when the differences are taken away."""

from streams.comparison import Compared, Summary, Under


def test_the_same_events_are_those_of_a_that_are_no_difference_of_a():
    summary = Summary()
    summary.kinds.update({"gained": 5, "lost": 3, "changed": 2, "moved": 1, "reattributed": 1})
    compared = Compared(Under(events=10), Under(events=12), summary)
    assert compared.same == 3
    assert compared.b.events - sum(summary.kinds[kind] for kind in ("gained", "changed", "moved", "reattributed")) == 3


def test_what_is_not_known_is_not_told():
    told = Compared(Under(events=0, repeated=0), Under(events=0), Summary()).told()
    assert (told["a"], told["b"]) == ({"events": 0, "repeated": 0}, {"events": 0})
    assert "records" not in told
    assert Compared(Under(events=0), Under(events=0), Summary(), 7).told()["records"] == 7
