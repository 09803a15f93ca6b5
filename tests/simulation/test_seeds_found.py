"""Found by seeded campaigns, made small, and kept."""

from __future__ import annotations

from simulation.campaign import Campaign, run_campaign
from simulation.faults import Fault


def test_a_vehicle_that_is_stopped_again_after_it_was_resumed_asks_again() -> None:
    faults = (
        Fault(at_ms=829_218, kind="device_fault", target="V1"),
        Fault(at_ms=832_629, kind="operator_pause", target="V1", arguments={"for_ms": 28_548}),
    )
    run_campaign(Campaign(seed=63, orders=16, deliveries=3, faults=faults))
