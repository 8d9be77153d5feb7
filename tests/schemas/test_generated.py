"""Drift: what is generated and checked in is what the code says today."""

import subprocess
import sys

import pytest

from streams.reference.__main__ import generated, out_of_date
from tests.schemas.golden import ROOT

FILES = generated()


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_what_the_code_generates(name):
    """If this fails: `python -m streams.reference`, and look at the difference before it is committed."""
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name]


def test_nothing_is_left_of_what_is_no_longer_generated():
    assert out_of_date(FILES) == []


def test_it_comes_out_the_same_in_any_process():
    """Sets and hashes are ordered by chance: with another seed nothing may move."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.reference", "--check"],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
