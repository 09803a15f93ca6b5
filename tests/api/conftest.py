"""A served site for the tests of its faces."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.serving import Served, served


@pytest.fixture
def site(sqlite_url: str) -> Iterator[Served]:
    """The tiny plant on SQLite, with an empty book."""
    with served(sqlite_url) as one:
        yield one


@pytest.fixture
def admin(site: Served) -> Iterator[httpx.Client]:
    with site.client() as client:
        yield client
