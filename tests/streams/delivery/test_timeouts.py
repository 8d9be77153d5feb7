from streams.delivery.timeouts import Timeouts


def test_no_phase_has_more_than_the_whole():
    assert set(Timeouts(0.2).as_httpx().values()) == {0.2}
