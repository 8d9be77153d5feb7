"""Fixtures of the report: a real browser."""

from collections.abc import Iterator

import pytest

from tests.streams.report.browser import Browser


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests of a process. A test that wants it is left out where there is none, and counted."""
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
