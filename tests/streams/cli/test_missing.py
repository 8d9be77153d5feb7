"""Which events cannot be had of a format is said, and of our own format nothing."""

from schemas.ga_event import LEGACY_NAMES
from streams.cli.missing import tell_missing
from streams.replay import Translation
from streams.sources import FORMATS, Mapping, coverage


def test_every_event_that_a_format_does_not_tell_of_is_named_with_why(capsys):
    tell_missing(Translation("segment", Mapping(account_id="a")))
    told = dict(line.split("\t", 1) for line in capsys.readouterr().err.splitlines())
    covered = coverage(FORMATS["segment"], Mapping(account_id="a"))
    assert set(told) == {name for name in LEGACY_NAMES if covered[name].had != "yes"}
    assert all(why.split("\t")[1] for why in told.values())


def test_of_our_own_format_all_can_be_had(capsys):
    tell_missing(None)
    assert capsys.readouterr().err == ""
