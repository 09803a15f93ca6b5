"""Found by seeded campaigns, made small, and kept."""

from __future__ import annotations

import pytest

from simulation.campaign import Campaign, run_campaign
from simulation.faults import Fault


def test_a_vehicle_that_is_stopped_again_after_it_was_resumed_asks_again() -> None:
    faults = (
        Fault(at_ms=829_218, kind="device_fault", target="V1"),
        Fault(at_ms=832_629, kind="operator_pause", target="V1", arguments={"for_ms": 28_548}),
    )
    run_campaign(Campaign(seed=63, orders=16, deliveries=3, faults=faults))


def test_a_confirmation_that_comes_before_the_words_binds_no_track_of_the_load_before() -> None:
    faults = (
        Fault(at_ms=121_886, kind="connection_dropped", target="CR2", arguments={"for_ms": 17_670}),
        Fault(at_ms=159_291, kind="operator_pause", target="CR1", arguments={"for_ms": 23_131}),
        Fault(at_ms=238_694, kind="no_read", target="DOUT"),
    )
    run_campaign(Campaign(seed=64, orders=4, deliveries=2, faults=faults))


def test_an_acknowledgement_that_was_overtaken_by_an_older_one_is_written_again() -> None:
    faults = (
        Fault(at_ms=104_179, kind="plc_restart_wiped", target="CV1", arguments={"for_ms": 16_183}),
        Fault(at_ms=236_497, kind="telegram_reordered", target="DK1", arguments={"delay_ms": 78}),
    )
    run_campaign(Campaign(seed=260, orders=3, deliveries=3, faults=faults))


@pytest.mark.parametrize(("seed", "vehicle", "at_ms", "for_ms"), [(5383, "V5", 79_449, 275), (122, "V3", 104_494, 968)])
def test_a_vehicle_that_says_that_it_is_elsewhere_keeps_what_it_holds(
    seed: int, vehicle: str, at_ms: int, for_ms: int
) -> None:
    """Its place was given to another, which then stood where it stood: both disagreed for ever."""
    faults = (Fault(at_ms=at_ms, kind="wrong_location", target=vehicle, arguments={"for_ms": for_ms}),)
    run_campaign(Campaign(plant="demo", seed=seed, orders=1, deliveries=3, faults=faults))


def test_a_load_that_a_stuck_photo_eye_had_set_down_goes_on_from_the_crane_that_still_has_it() -> None:
    """The crane had lost its memory, a person said that the load was on board, and the book left it on the belt: the
    crane refused every next task for ever.
    """
    faults = (
        Fault(at_ms=810_089, kind="stuck_photo_eye", target="A1.OUT", arguments={"for_ms": 21_862}),
        Fault(at_ms=811_989, kind="plc_restart_wiped", target="CR1", arguments={"for_ms": 12_691}),
    )
    run_campaign(Campaign(plant="demo", seed=370, orders=17, deliveries=1, faults=faults))


def test_a_vehicle_that_was_to_go_on_while_its_key_was_turned_again_is_asked_about_again() -> None:
    faults = (
        Fault(at_ms=514_510, kind="operator_pause", target="V1", arguments={"for_ms": 28_014}),
        Fault(at_ms=551_002, kind="operator_pause", target="V1", arguments={"for_ms": 21_158}),
    )
    run_campaign(Campaign(seed=5744, orders=9, deliveries=2, faults=faults))


def test_a_stopped_vehicle_that_says_that_it_is_elsewhere_goes_on_along_the_way_that_it_was_led() -> None:
    """Its way was given up, though it was to be resumed on it; then it stood where nobody had led it, for ever."""
    faults = (
        Fault(at_ms=235_430, kind="operator_pause", target="V1", arguments={"for_ms": 29_322}),
        Fault(at_ms=274_664, kind="wrong_location", target="V1", arguments={"for_ms": 1_501}),
    )
    run_campaign(Campaign(seed=181, orders=3, deliveries=3, faults=faults))


def test_a_vehicle_that_says_that_it_is_elsewhere_before_it_is_resumed_keeps_the_end_of_its_way() -> None:
    faults = (
        Fault(at_ms=284_586, kind="operator_pause", target="V1", arguments={"for_ms": 6_583}),
        Fault(at_ms=334_630, kind="operator_pause", target="V1", arguments={"for_ms": 7_608}),
        Fault(at_ms=345_780, kind="wrong_location", target="V1", arguments={"for_ms": 274}),
    )
    run_campaign(Campaign(seed=877, orders=5, deliveries=2, faults=faults))
