"""Whether the building can work at all: every finding is a reason to refuse the plant file."""

from __future__ import annotations

from wcs.plant.finding import Finding
from wcs.plant.model import Plant


def check_plant(plant: Plant) -> tuple[Finding, ...]:
    """What makes this plant unworkable; empty: nothing."""
    return ()
