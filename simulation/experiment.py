"""An experiment: which variants of a plant, its policies, fleets and orders are compared. One TOML file says all.

    plant = "demo"            # a shipped plant's name, or a file beside this one
    hours = 1.0
    replications = 10         # seeds one after another, the same for every scenario
    [base]                    # what every scenario has
    orders_per_hour = 90
    [grid]                    # every combination is a scenario
    "policies.pairing" = ["dual_command", "oldest_first"]
    vehicles = [4, 6]
    plant = ["demo", "wide.toml"]
    [[scenario]]              # or one by one
    "crane.speed_x_mm_s" = 4000
    [[fault]]                 # befalls every scenario: fault_script.py
    at_minute = 20
    kind = "device_fault"
    target = "CR1"

Rule: a parameter that is not known, and a scenario that is impossible, is refused with file, line, key and reason
before any run starts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from simulation.check import check_reach
from simulation.fault_script import FAULT, read_script
from simulation.figures import GOALS
from simulation.layouts import layout_names, named_twice, with_same_articles
from simulation.spec import RunSpec, StaffSpec, WorkloadSpec
from simulation.variants import with_vehicles
from wcs.plant.check import check_plant
from wcs.plant.file import SHIPPED_PLANTS, PlantFileError, load_plant, read_toml
from wcs.plant.finding import Finding
from wcs.plant.model import Plant, Record
from wcs.plant.toml_lines import where as line_of

SCENARIOS_MAX = 10_000  # a grid that is larger is a slip of the pen
REPLICATIONS_MAX = 1_000
RUNS_MAX = 1_000_000
NUMBER_MAX = 10**9  # of a machine: 1,000 km/s, or eleven days
PLANT = "plant"
TOP = (
    PLANT,
    "hours",
    "warm_up_hours",
    "replications",
    "seed",
    "relative_half_width",
    "budget",
    "best",
    "base",
    "grid",
    "scenario",
    FAULT,
)


class Scenario(Record):
    """One way to run the plant; `spec` is that of the first seed."""

    label: str
    parameters: dict[str, Any]
    spec: RunSpec


class Experiment(Record):
    """Scenarios to compare on the same seeds.

    relative_half_width: go on with a scenario until its throughput's interval is that narrow, at most
    `REPLICATIONS_MAX` runs; None: `replications` runs, no more.
    budget: so many runs in all, given where they help most to tell which scenario is the best (OCBA); 0: none.
    best: by which of the `GOALS` a scenario is the best: the highest throughput, or the lowest mean order time.
    """

    name: str
    scenarios: tuple[Scenario, ...]
    replications: int
    relative_half_width: float | None = None
    budget: int = 0
    best: str = GOALS[0]


class ExperimentError(ValueError):
    """An experiment file that cannot be run: file, line, key, reason."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        super().__init__(file, key, reason)  # as it was made, or no copy of it could be made (pickle)
        self.file, self.key, self.reason = file, key, reason
        self._text = f"{line_of(file, key, reason)}: {key}: {reason}"

    def __str__(self) -> str:
        return self._text


Refuse = Callable[[str, str], ExperimentError]
"""Makes the error for a key, with its reason."""


def load_experiment(path: Path) -> Experiment:
    """Read and check an experiment file.

    Raises:
        ExperimentError: the file, a parameter or a scenario is impossible.
    """
    if not path.exists():
        raise ExperimentError(str(path), "(file)", "there is no such experiment file")
    try:
        tables = read_toml(path, str(path))
        return _experiment(tables, path)
    except PlantFileError as error:
        raise ExperimentError(error.file, error.findings[0].key, error.findings[0].reason) from None


def _experiment(tables: Mapping[str, Any], path: Path) -> Experiment:
    def refuse(key: str, reason: str) -> ExperimentError:
        return ExperimentError(str(path), key, reason)

    _check_shape(tables, refuse)
    replications = tables.get("replications", 5)
    if type(replications) is not int or not 1 <= replications <= REPLICATIONS_MAX:
        raise refuse("replications", f"{replications!r} is not from 1 to {REPLICATIONS_MAX}")
    half = tables.get("relative_half_width")
    if half is not None and not (isinstance(half, float) and 0 < half < 1):
        raise refuse("relative_half_width", f"{half!r} is no share between 0 and 1")
    best = tables.get("best", GOALS[0])
    if best not in GOALS:
        raise refuse("best", f"{best!r} is none of {', '.join(GOALS)}")
    scenarios = _specified(tables, path, refuse)
    budget = tables.get("budget", 0)
    if type(budget) is not int or (budget and not len(scenarios) * replications <= budget <= RUNS_MAX):
        reason = f"{budget!r} is not from {len(scenarios) * replications} (the first replications) to {RUNS_MAX}"
        raise refuse("budget", reason)
    return Experiment(
        name=path.stem,
        scenarios=scenarios,
        replications=replications,
        relative_half_width=half,
        budget=budget,
        best=best,
    )


def _specified(tables: Mapping[str, Any], path: Path, refuse: Refuse) -> tuple[Scenario, ...]:
    """Each scenario with the spec of its first run: its plant, then what is said for all, then its own parameters."""
    above = {key: tables[key] for key in (PLANT, "hours", "warm_up_hours", "seed") if key in tables}
    common = _flat(tables.get("base", {}))
    for key in above.keys() & common.keys():
        raise refuse(f"base.{key}", "is there twice, also above all tables")
    rows = list(_scenarios(tables, path.parent, refuse))
    plants = _plants(above, common, rows, path, refuse)
    usual = next(iter(plants))
    names = layout_names(tuple(plants))
    script = read_script(tables[FAULT], str(path)) if FAULT in tables else ()
    bases: dict[str, RunSpec] = {}
    specs: dict[str, RunSpec] = {}
    for where, parameters in rows:
        named = parameters.get(PLANT, usual)
        said = refuse if len(plants) == 1 else _about(names[named], refuse)
        if named not in bases:
            base = _with(RunSpec(plant=plants[named], script=script), above, said, "")
            bases[named] = _with(base, common, said, "base.")
        shown = {key: names[named] if key == PLANT else value for key, value in parameters.items()}
        label = ", ".join(f"{key}={value}" for key, value in shown.items()) or plants[named].name
        if label in specs:
            raise refuse(where.removesuffix("."), f"the scenario {label} is there twice")
        specs[label] = replace(_with(bases[named], parameters, said, where), label=label)
    scenarios = []
    for (where, parameters), spec in zip(rows, with_same_articles(tuple(specs.values())), strict=True):
        for finding in check_reach(spec):
            raise refuse(_where_said(tables, where, parameters, finding.key), f"{spec.label}: {finding.reason}")
        scenarios.append(Scenario(label=spec.label, parameters=parameters, spec=spec))
    return tuple(scenarios)


def _plants(
    above: Mapping[str, Any],
    common: Mapping[str, Any],
    rows: Sequence[tuple[str, Mapping[str, Any]]],
    path: Path,
    refuse: Refuse,
) -> dict[str, Plant]:
    """Every plant by what it was named as, the usual one first; one file that is bad is one refusal, with its line."""
    plants: dict[str, Plant] = {}
    for where, parameters in (("", above), ("base.", common), *rows):
        named = parameters.get(PLANT)
        if named is not None and (not isinstance(named, str) or named not in plants):
            plants[named] = _plant(named, path, f"{where}{PLANT}", refuse)
    if PLANT not in {*above, *common} and not all(PLANT in parameters for _, parameters in rows):
        raise refuse(PLANT, "is missing")
    return plants


def _plant(named: object, path: Path, key: str, refuse: Refuse) -> Plant:
    if not isinstance(named, str):
        several = "; several are compared in a list of [grid]" if isinstance(named, list) else ""
        raise refuse(key, f"{named!r} is no name of a plant or its file{several}")
    if named in SHIPPED_PLANTS:
        return load_plant(named)
    file = path.parent / named
    if not file.is_file():
        raise refuse(key, f"there is no {named!r} beside it, and shipped are {', '.join(SHIPPED_PLANTS)}")
    return load_plant(file)


def _about(layout: str, refuse: Refuse) -> Refuse:
    """Refusals that say of which of several layouts they are."""
    return lambda key, reason: refuse(key, f"{layout}: {reason}")


def _where_said(tables: Mapping[str, Any], where: str, parameters: Mapping[str, Any], key: str) -> str:
    """Where in the file the parameter of a finding was said last: in the scenario, else for all of them."""
    if key.startswith(f"{FAULT} "):
        return key
    for place, said in ((where, parameters), ("base.", _flat(tables.get("base", {}))), ("", tables)):
        for name in said:
            if ALIASES.get(name, name) == key:
                return f"{place}{name}"
    return f"{where}{key}"


def _check_shape(tables: Mapping[str, Any], refuse: Refuse) -> None:
    """Only keys that mean something, and tables where tables are meant."""
    for key in tables:
        if key not in TOP:
            raise refuse(key, f"no such key; known are {', '.join(TOP)}")
    for key in ("base", "grid"):
        if not isinstance(tables.get(key, {}), Mapping):
            raise refuse(key, f"wanted a table: [{key}]")
    listed = tables.get("scenario", [])
    if not isinstance(listed, list) or not all(isinstance(table, Mapping) for table in listed):
        raise refuse("scenario", "wanted tables: [[scenario]], each in two brackets")


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = value
    return flat


def _scenarios(tables: Mapping[str, Any], folder: Path, refuse: Refuse) -> Iterator[tuple[str, dict[str, Any]]]:
    grid = _flat(tables.get("grid", {}))
    for key, values in grid.items():
        if not isinstance(values, list) or not values:
            raise refuse(f"grid.{key}", "wanted a list of at least one value")
    listed = tables.get("scenario", [])
    count = len(listed) + (1 if not grid and not listed else 0)
    twice = named_twice([one for one in grid.get(PLANT, []) if isinstance(one, str)], folder)
    if twice:
        raise refuse(f"grid.{PLANT}", f"{twice} is there twice")
    product = 1
    for values in grid.values():
        product *= len(values)
    if count + (product if grid else 0) > SCENARIOS_MAX:
        raise refuse("grid", f"more than {SCENARIOS_MAX} scenarios")
    if grid:
        for values in itertools.product(*grid.values()):
            yield "grid.", dict(zip(grid, values, strict=True))
    for n, table in enumerate(listed, 1):
        yield f"scenario {n}.", _flat(table)
    if not grid and not listed:
        yield "", {}


def _with(spec: RunSpec, parameters: Mapping[str, Any], refuse: Refuse, where: str) -> RunSpec:
    """The spec with these parameters, each by its name, and none under two names."""
    for key in parameters:
        if ALIASES.get(key) in parameters:
            raise refuse(f"{where}{key}", f"is there twice, also as {ALIASES[key]}")
    for key, value in parameters.items():
        if key == PLANT:  # the others are about it
            continue
        try:
            spec = _set(spec, key, value)
        except (ValueError, TypeError, msgspec.ValidationError) as error:
            raise refuse(f"{where}{key}", str(error)) from None
    return spec


def _set(spec: RunSpec, key: str, value: Any) -> RunSpec:
    table, dot, field = key.partition(".")
    if key in ("hours", "warm_up_hours", "seed"):
        return msgspec.convert(_replaced(spec, key, value), RunSpec)
    if key == "vehicles":
        return replace(spec, plant=with_vehicles(spec.plant, msgspec.convert(value, int)))
    if key in ALIASES:
        return _set(spec, ALIASES[key], value)
    if dot and table in ("workload", "staff"):
        return replace(spec, **{table: _replaced(getattr(spec, table), field, value)})
    if dot and table == "policies":
        return replace(spec, policies={**spec.policies, field: msgspec.convert(value, str)})
    if dot and table == "faults":
        return replace(spec, faults={**spec.faults, field: msgspec.convert(value, float)})
    if dot and table in MACHINES:
        return replace(spec, plant=_with_machines(spec.plant, table, field, value))
    raise ValueError(f"no such parameter; known are {', '.join(known_parameters())}")


ALIASES = {name: f"workload.{name}" for name in ("orders_per_hour", "inbound_per_hour")}  # short for what is said most
MACHINES = {"crane": "cranes", "vehicle": "vehicles", "station": "stations", "aisle": "aisles", "conveyor": "conveyors"}
NUMBERS = {
    "crane": ("speed_x_mm_s", "speed_y_mm_s", "accel_x_mm_s2", "accel_y_mm_s2", "fork_cycle_ms"),
    "vehicle": ("speed_mm_s", "accel_mm_s2", "handling_ms", "battery_wh", "drain_wh_per_km", "charge_w"),
    "station": ("queue_length_max",),
    "aisle": ("bays", "levels"),
    "conveyor": ("speed_mm_s",),
}


def known_parameters() -> tuple[str, ...]:
    """All names, for messages and documents."""
    machines = (f"{kind}.{number}" for kind, numbers in NUMBERS.items() for number in numbers)
    words = (f"workload.{name}" for name in WorkloadSpec.__struct_fields__ if name != "replay")
    return (
        PLANT, "hours", "warm_up_hours", "seed", "vehicles", "orders_per_hour", "inbound_per_hour", "policies.KIND",
        "faults.KIND", *words, *(f"staff.{name}" for name in StaffSpec.__struct_fields__), *machines,
    )  # fmt: skip


def _replaced(record: Any, field: str, value: Any) -> Any:
    """A record with one field of its own type, and no other."""
    if field not in record.__struct_fields__ or field == "replay":
        names = [name for name in record.__struct_fields__ if name != "replay"]
        raise ValueError(f"no such parameter; known are {', '.join(names)}")
    types = {f.name: f.type for f in msgspec.structs.fields(type(record))}
    return replace(record, **{field: msgspec.convert(value, types[field])})


def _with_machines(plant: Plant, kind: str, field: str, value: Any) -> Plant:
    """Every machine of a kind with another number."""
    if field not in NUMBERS[kind]:
        raise ValueError(f"no such number of a {kind}; known are {', '.join(NUMBERS[kind])}")
    if type(value) is not int or not 0 < value <= NUMBER_MAX:
        raise ValueError(f"{value!r} is no whole number from 1 to {NUMBER_MAX}")
    machines = getattr(plant, MACHINES[kind])
    if kind == "conveyor":  # whose numbers are those of its belts
        belts = (tuple(replace(belt, **{field: value}) for belt in machine.segments) for machine in machines)
        changed = tuple(replace(machine, segments=own) for machine, own in zip(machines, belts, strict=True))
    else:
        changed = tuple(replace(machine, **{field: value}) for machine in machines)
    variant = replace(plant, **{MACHINES[kind]: changed})
    findings: tuple[Finding, ...] = check_plant(variant)
    if findings:
        raise ValueError(f"{findings[0].key}: {findings[0].reason}")
    return variant
