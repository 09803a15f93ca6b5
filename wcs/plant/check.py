"""Whether the building can work at all: every finding is a reason to refuse the plant file.

Rule: pure on the plant. The checks run in stages, because a way through a plant whose names point nowhere cannot be
looked for: the findings of the first stage that has any are the answer.
"""

from __future__ import annotations

from collections.abc import Callable

from wcs.plant.check_belts import check_belts
from wcs.plant.check_hand_over import check_hand_over
from wcs.plant.check_machines import check_machines
from wcs.plant.check_measures import check_measures
from wcs.plant.check_names import check_names
from wcs.plant.check_rates import check_rates
from wcs.plant.check_reach import check_reach
from wcs.plant.check_words import check_words
from wcs.plant.finding import Finding
from wcs.plant.model import Plant

Check = Callable[[Plant], tuple[Finding, ...]]

STAGES: tuple[tuple[Check, ...], ...] = (
    (check_names,),
    (check_words, check_belts, check_machines),
    (check_measures,),
    (check_hand_over,),
    (check_reach,),
    (check_rates,),
)


def check_plant(plant: Plant) -> tuple[Finding, ...]:
    """What makes this plant unworkable; empty: nothing."""
    for stage in STAGES:
        findings = tuple(finding for check in stage for finding in check(plant))
        if findings:
            return findings
    return ()
