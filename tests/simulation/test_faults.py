"""Faults: one vocabulary, drawn by counter, refused by name where they cannot be."""

from __future__ import annotations

import pytest

from simulation.campaign import Campaign, run_campaign
from simulation.faults import KINDS, Fault, FaultRefused, check_faults, draw_faults, targets
from wcs.plant.file import load_plant

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(at_ms=1, kind="lightning", target="CR1"), "no fault 'lightning'"),
        (Fault(at_ms=-1, kind="plc_restart", target="CR1"), "at_ms -1"),
        (Fault(at_ms=1, kind="plc_restart", target="CR9"), "no device 'CR9'"),
        (Fault(at_ms=1, kind="bin_occupied", target="A9"), "no location 'A9'"),
        (Fault(at_ms=1, kind="plc_restart", target="CR1", arguments={"hard": 1}), "no argument 'hard'"),
        (Fault(at_ms=1, kind="plc_restart", target="CR1", arguments={"for_ms": -5}), "for_ms -5"),
        (Fault(at_ms=1, kind="telegram_lost", target="CR1", arguments={"way": "sideways"}), "way 'sideways'"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_and_named(fault: Fault, said: str) -> None:
    with pytest.raises(FaultRefused, match=said):
        check_faults([fault], load_plant("tiny"))


def test_a_rate_below_zero_and_an_unknown_kind_are_refused() -> None:
    with pytest.raises(FaultRefused, match="no_read: -1"):
        draw_faults(load_plant("tiny"), 1, {"no_read": -1}, until_ms=HOUR_MS)
    with pytest.raises(FaultRefused, match="'fire'"):
        draw_faults(load_plant("tiny"), 1, {"fire": 1}, until_ms=HOUR_MS)


def test_one_kind_of_fault_more_changes_no_others_luck() -> None:
    plant = load_plant("tiny")
    some = draw_faults(plant, 7, {"no_read": 6}, until_ms=4 * HOUR_MS)
    more = draw_faults(plant, 7, {"plc_restart": 9, "no_read": 6, "disk_slow": 2}, until_ms=4 * HOUR_MS)
    assert some
    assert tuple(fault for fault in more if fault.kind == "no_read") == some


@pytest.mark.parametrize("kind", KINDS)
def test_work_goes_on_through_each_kind_of_fault(kind: str) -> None:
    target = targets(load_plant("tiny"), kind)[0]
    faults = tuple(Fault(at_ms=at_ms, kind=kind, target=target) for at_ms in (60_000, 200_000))
    run_campaign(Campaign(orders=6, faults=faults))
