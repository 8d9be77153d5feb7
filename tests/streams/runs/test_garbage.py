import gc

from streams.runs import tune_collector


def test_the_collector_looks_seldom_and_not_at_what_was_set_up():
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    try:
        tune_collector()
        assert gc.get_threshold() > before
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
