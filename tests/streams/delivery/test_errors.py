import pickle

from streams.delivery import CannotPost
from streams.errors import Fault


def test_it_says_whose_fault_where_and_what_to_do():
    error = CannotPost("G-A", "UnsupportedProtocol")
    assert (error.fault, error.retriable) == (Fault.US, False)
    assert "tracker G-A" in str(error)
    assert "Check GA_ENDPOINT" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
