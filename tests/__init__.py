"""Tests. They mirror the source: `tests/streams/delivery/test_post.py` for `streams/delivery/post.py`."""
