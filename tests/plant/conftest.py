"""Plants as they ship, and as tables to be broken."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

import pytest

from wcs.plant.file import load_plant
from wcs.plant.model import Plant


@pytest.fixture(scope="session")
def tiny() -> Plant:
    return load_plant("tiny")


@pytest.fixture(scope="session")
def demo() -> Plant:
    return load_plant("demo")


@pytest.fixture
def tiny_tables() -> dict[str, Any]:
    """The tables of tiny.toml, each time anew."""
    return tomllib.loads((resources.files("wcs.plant") / "plants" / "tiny.toml").read_text(encoding="utf-8"))
