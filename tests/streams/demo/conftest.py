"""One stream of sample traffic, read by many tests."""

import json
import tomllib
from typing import Any

import pytest

from schemas.account import Accounts, accounts_from
from streams.demo.expected import Expected
from streams.demo.sites import accounts_toml
from streams.demo.traffic import Mix, Record, sessions


@pytest.fixture(scope="session")
def records() -> list[Record]:
    return list(sessions(7, 1_500, mix=Mix(bad=0.02)))


@pytest.fixture(scope="session")
def said(records) -> list[dict[str, Any]]:
    """The interactions of the stream as plain JSON, redeliveries and bad records left out."""
    return [json.loads(record.value) for record in records if record.note in ("", "late")]


@pytest.fixture(scope="session")
def accounts() -> Accounts:
    read = accounts_from(tomllib.loads(accounts_toml()))
    assert isinstance(read, Accounts)
    return read


@pytest.fixture(scope="session")
def expected(records, accounts) -> Expected:
    taken = Expected(accounts)
    taken.take_all(records)
    return taken
