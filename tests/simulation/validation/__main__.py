"""What was measured beside what is known, as a table: `python -m tests.simulation.validation`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.simulation.validation import test_cranes as cranes
from tests.simulation.validation import test_merges as merges
from tests.simulation.validation import test_pick_stations as stations
from tests.simulation.validation import test_vehicles as vehicles

Row = tuple[str, float, float]


def rows() -> Iterator[Row]:
    """What, measured, reference."""
    for shape in cranes.SHAPES:
        yield f"single cycle, b = {shape}", cranes.mean_single(shape), cranes.bozer_white_single(shape)
        yield f"dual cycle, b = {shape}", cranes.mean_dual(shape), cranes.bozer_white_dual(shape)
    for shape in cranes.DISPATCHED_SHAPES:
        yield f"dispatched dual, b = {shape}", cranes.mean_dispatched(shape), cranes.bozer_white_dual(shape)
    for classes, saving in cranes.HAUSMAN_SCHWARZ_GRAVES.items():
        yield f"less travel, {classes or 'all'} classes", cranes.class_saving(classes), saving
    for servers, rho in stations.QUEUES:
        wait_ms, _ = stations.wait_and_interval_ms(servers, rho)
        exact_s = stations.SERVICE_MS * stations.erlang_wait(servers, rho) / 1_000
        yield f"wait for {servers} pickers, rho = {rho}, s", wait_ms / 1_000, exact_s
    for rho in merges.RHOS:
        wait_ms = merges.mean_wait_ms(rho, *merges.waits_of_merge_and_recursion_ms(rho))
        yield f"wait at a merge, rho = {rho}, s", wait_ms / 1_000, merges.pollaczek_wait_ms(rho) / 1_000
    for fleet in vehicles.FLEETS:
        measured = vehicles.fleet_throughput(fleet)
        yield f"rounds a minute, {fleet} vehicles", 60 * measured, 60 * vehicles.throughput_by_mva(fleet)
    for fleet in vehicles.DISPATCHED_FLEETS:
        measured, at_work = vehicles.dispatched_throughput(fleet), vehicles.at_work(fleet)
        yield f"dispatched, {fleet} vehicles", 60 * measured, 60 * vehicles.throughput_by_mva(at_work, 0)


if __name__ == "__main__":
    for what, measured, reference in rows():
        sys.stdout.write(f"{what:34}{measured:10.4f}{reference:10.4f}{100 * (measured / reference - 1):+9.3f} %\n")
