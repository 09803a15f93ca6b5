"""The acceptance book: what crane cycles and availability should be, and what they are.

Rule: every number is a formula's of the plant file, a drawn trial's, or counted in a log; which of them, the book says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simulation.crane_trials import Trials, try_cycles
from simulation.downtimes import Weighted, weighted
from simulation.run import run
from simulation.spec import DeviceTimes, RunSpec
from wcs.plant.closed_forms import BozerWhite, Cycles, bozer_white, fem_9851, rack_of
from wcs.plant.model import Plant, Record

Progress = Callable[[str, float], None]
CYCLES = 1_000  # an interval of about one percent of a single cycle


class AisleCycles(Record):
    """One aisle's cycles side by side.

    at_corner: whether the transfer points stand where Bozer and White suppose them.
    """

    aisle: str
    crane: str
    length_mm: float
    height_mm: float
    at_corner: bool
    fem_9851: Cycles
    bozer_white: BozerWhite
    simulated: Trials


class DeviceAvailability(Record):
    """Of one device: its times in ms, and what follows from them."""

    times: DeviceTimes
    downtime_ms: int
    availability: float
    reliability: float | None
    mean_task_s: float | None


class Availability(Record):
    """Of all devices of one log; `system` is the product over the kinds, as all of them are needed.

    source: "run", "journal" (of a site), or "log" (of a run, from a file).
    """

    source: str
    hours: float
    devices: tuple[DeviceAvailability, ...]
    kinds: tuple[Weighted, ...]
    system: float


class Book(Record):
    plant: str
    seed: int
    cycles: int
    aisles: tuple[AisleCycles, ...]
    availability: tuple[Availability, ...] = ()
    run: str = ""
    digest: str = ""
    diverged: str = ""


def quiet(what: str, share: float) -> None:
    """Nobody listens."""


def cycles_of(plant: Plant, *, cycles: int, seed: int, progress: Progress = quiet) -> tuple[AisleCycles, ...]:
    """Every crane's cycles. ValueError: too few or too many cycles."""
    found = []
    for n, crane in enumerate(plant.cranes):
        progress("cycles", n / len(plant.cranes))
        rack = rack_of(plant, crane)
        found.append(
            AisleCycles(
                aisle=crane.aisle,
                crane=crane.name,
                length_mm=rack.length_mm,
                height_mm=rack.height_mm,
                at_corner=rack.at_corner,
                fem_9851=fem_9851(crane, rack),
                bozer_white=bozer_white(crane, rack),
                simulated=try_cycles(plant, crane, cycles=cycles, seed=seed),
            )
        )
    progress("cycles", 1.0)
    return tuple(found)


def availability_of(times: Sequence[DeviceTimes], source: str) -> Availability:
    """What follows from the times of devices (at least one)."""
    kinds = weighted(times)
    system = 1.0
    for kind in kinds:
        system *= kind.by_units
    return Availability(
        source=source,
        hours=times[0].service_ms / 3_600_000,
        devices=tuple(_device(one) for one in times),
        kinds=kinds,
        system=system,
    )


def write_book(
    spec: RunSpec,
    *,
    cycles: int = CYCLES,
    others: Sequence[Availability] = (),
    simulated: bool = True,
    progress: Progress = quiet,
) -> Book:
    """The book of a plant: drawn cycles, one run of the plant under orders, and what was read elsewhere.

    Raises:
        ValueError: the run is impossible.
    """
    aisles = cycles_of(spec.plant, cycles=cycles, seed=spec.seed, progress=progress)
    if not simulated:
        return Book(
            plant=spec.plant.name, seed=spec.seed, cycles=cycles, aisles=aisles, availability=tuple(others)
        )  # fmt: skip
    result = run(spec, lambda share: progress("run", share))
    assert result.log is not None, "the spec keeps the log"
    return Book(
        plant=spec.plant.name,
        seed=spec.seed,
        cycles=cycles,
        aisles=aisles,
        availability=(availability_of(result.log.devices, "run"), *others),
        run=result.row.run,
        digest=result.row.digest,
        diverged=result.row.diverged,
    )


def _device(times: DeviceTimes) -> DeviceAvailability:
    return DeviceAvailability(
        times=times,
        downtime_ms=times.downtime_ms,
        availability=times.availability,
        reliability=times.reliability,
        mean_task_s=times.task_ms / times.tasks / 1000 if times.tasks else None,
    )
