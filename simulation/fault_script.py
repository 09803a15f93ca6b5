"""Faults that a person has written down: which befalls what, in which minute of a run.

    [[fault]]
    at_minute = 12.5          # plant time from the start of the run, warm-up included
    kind = "device_fault"     # the vocabulary of faults.py, and its targets
    target = "CR1"            # may be left out where there is one only: "site", or "any" bin or order
    when = "loaded"           # and the arguments of the kind

Rule: here is read what the lines say; whether such a fault can be in a plant is asked of each run (`script_findings`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simulation.faults import ANY, KINDS, SITE, Fault, FaultRefused, Value, check_fault
from simulation.spec import RunSpec
from wcs.plant.file import PlantFileError, read_toml
from wcs.plant.finding import Finding

FAULT = "fault"
MINUTE_MS = 60_000
SCRIPT_MAX = 1_000  # faults of one script: beyond it nobody has written them one by one
OWN = ("at_minute", "kind", "target")


def read_fault_file(path: Path) -> tuple[Fault, ...]:
    """The faults of a file that has nothing else.

    Raises:
        PlantFileError: the file, or a line of it.
    """
    tables = read_toml(path, str(path))
    for key in tables:
        if key != FAULT:
            raise PlantFileError(str(path), key, f"no such key; a script has tables [[{FAULT}]] only")
    return read_script(tables.get(FAULT), str(path))


def read_script(listed: object, file: str) -> tuple[Fault, ...]:
    """The faults of the tables [[fault]] of a file, in its order.

    Raises:
        PlantFileError: a line of it.
    """
    if not isinstance(listed, list) or not listed or not all(isinstance(table, Mapping) for table in listed):
        raise PlantFileError(file, FAULT, f"wanted tables: [[{FAULT}]], each in two brackets")
    if len(listed) > SCRIPT_MAX:
        raise PlantFileError(file, FAULT, f"{len(listed)} faults are more than {SCRIPT_MAX}")
    return tuple(_fault(table, f"{FAULT} {n}", file) for n, table in enumerate(listed, 1))


def script_findings(spec: RunSpec) -> Iterator[Finding]:
    """Which faults of a run's script cannot be: keys are those of its file, `fault 2.target` of the second table."""
    for n, fault in enumerate(spec.script, 1):
        try:
            check_fault(fault, spec.plant)
        except FaultRefused as refusal:
            yield Finding(key=f"{FAULT} {n}.{refusal.key}", reason=str(refusal))
        else:
            if fault.at_ms >= spec.end_ms:
                ends, at = spec.end_ms / MINUTE_MS, fault.at_ms / MINUTE_MS
                reason = f"minute {at:g} is beyond the run, which ends in minute {ends:g}"
                yield Finding(key=f"{FAULT} {n}.at_minute", reason=reason)


def _fault(table: Mapping[str, Any], where: str, file: str) -> Fault:
    for key in ("at_minute", "kind"):
        if key not in table:
            raise PlantFileError(file, f"{where}.{key}", "is missing")
    minute, kind = table["at_minute"], table["kind"]
    if type(minute) not in (int, float) or not math.isfinite(minute) or minute < 0:
        raise PlantFileError(file, f"{where}.at_minute", f"{minute!r} is no minute from 0 on")
    if not isinstance(kind, str) or kind not in KINDS:
        raise PlantFileError(file, f"{where}.kind", f"there is no fault {kind!r}: wanted one of {', '.join(KINDS)}")
    target = table.get("target", _only_target(kind))
    if not isinstance(target, str):
        raise PlantFileError(file, f"{where}.target", "is missing: which one" if target is None else "is no name")
    arguments: dict[str, Value] = {key: value for key, value in sorted(table.items()) if key not in OWN}
    return Fault(at_ms=round(minute * MINUTE_MS), kind=kind, target=target, arguments=arguments)


def _only_target(kind: str) -> str | None:
    """What a fault of this kind is aimed at where nobody says it."""
    return {"host": SITE, "location": ANY, "order": ANY}.get(KINDS[kind][0])
