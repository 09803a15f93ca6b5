"""One plant at work for all tests of a module: each leaves it calm, and its books agree with the building."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.people_at_work import people_at_work
from tests.real.plant_at_work import PlantAtWork, plant_at_work
from tests.real.stock import open_the_books

SPEED = 25.0


@pytest.fixture(scope="module")
def plant_of_this_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlantAtWork]:
    """Started once: processes take seconds to come up."""
    folder = tmp_path_factory.mktemp("works")
    with plant_at_work(folder, speed=SPEED) as works, people_at_work(works, speed=SPEED):
        open_the_books(works)
        yield works


@pytest.fixture
def works(plant_of_this_module: PlantAtWork) -> Iterator[PlantAtWork]:
    """The plant of this module, people at the station and the dock but no operator; audited after each test."""
    plant_of_this_module.facts.clear()
    yield plant_of_this_module
    plant_of_this_module.audit()
    assert plant_of_this_module.site.metrics.quarantined == 0
