"""Whether a run can be asked at all: every finding is a reason to refuse the spec before any run starts.

Rule: `check_spec` looks at the spec alone and takes no time; `check_reach` adds the analytic bound of the plant.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from simulation.arrivals import HOURS_A_DAY
from simulation.bounds import saturated
from simulation.fault_script import script_findings
from simulation.faults import FAULTS_MAX, KINDS
from simulation.spec import LatencyProfile, RunSpec, WorkloadSpec
from simulation.workload import Workload
from wcs.core.orders import LINES_MAX, QUANTITY_MAX
from wcs.plant.finding import Finding
from wcs.plant.locations import LocationTable
from wcs.plant.model import Protocol
from wcs.plant.policies import POLICIES

HOURS_MAX = 24 * 366  # a year: beyond it somebody has mistaken the unit
HOURS_MIN = 1 / 3600  # a second: in less nothing happens, and a rate says nothing
RATE_MAX = 1e6  # an hour, or times the mean: beyond it somebody has mistaken the unit
RATE_MIN = 1e-6  # one in a century; 0 is none
RATE = f"0, or from {RATE_MIN:g} to {RATE_MAX:g}"
TIME_MAX_MS = 86_400_000  # a day for one line by hand is a slip of the pen
SEED_MAX = 10**15  # of the first run: all that follow are still numbers that a JSON reader and SQLite keep exactly
ARRIVALS = ("poisson", "even")
SERVICES = ("fixed", "exponential")
KEPT = ("row", "log")
REPLAY = "workload.replay"  # key of what is wrong with real orders as a whole


def check_spec(spec: RunSpec) -> tuple[Finding, ...]:
    """What is impossible in this spec; empty: nothing."""
    return (
        *_times(spec),
        *_faults(spec),
        *script_findings(spec),
        *_workload(spec.workload),
        *_names(spec),
        *(f for name, profile in spec.latency.items() for f in _latency(f"latency.{name}", profile)),
        *_closed(spec),
        *(_stock(spec) if not spec.start else ()),
    )


def check_reach(spec: RunSpec) -> tuple[Finding, ...]:
    """As `check_spec`, and whether there can be such a first seed, and devices saturate at the wanted rate."""
    if not 0 <= spec.seed <= SEED_MAX:
        return (Finding(key="seed", reason=f"{spec.seed} is not from 0 to {SEED_MAX}"),)
    return check_spec(spec) or saturated(spec)


def _times(spec: RunSpec) -> Iterator[Finding]:
    if not HOURS_MIN <= spec.hours <= HOURS_MAX:
        yield Finding(key="hours", reason=f"{spec.hours:g} is not from {HOURS_MIN:.5f} (a second) to {HOURS_MAX}")
    if not 0 <= spec.warm_up_hours <= HOURS_MAX:
        yield Finding(key="warm_up_hours", reason=f"{spec.warm_up_hours:g} is not from 0 to {HOURS_MAX}")
    for name in ("pick_ms", "carry_ms", "answer_ms"):
        if getattr(spec.staff, name) < 0:
            yield Finding(key=f"staff.{name}", reason=f"{getattr(spec.staff, name)} is below zero")
        elif getattr(spec.staff, name) > TIME_MAX_MS:
            yield Finding(key=f"staff.{name}", reason=f"{getattr(spec.staff, name)} is more than a day")


def _faults(spec: RunSpec) -> Iterator[Finding]:
    """Each kind, and whether one run can hold all: drawn numbers scatter, so half of the most is let through."""
    coming = 0.0
    for name, rate in spec.faults.items():
        if name not in KINDS:
            yield Finding(key=f"faults.{name}", reason=f"there is no such fault: {', '.join(KINDS)}")
        elif not _is_rate(rate):
            yield Finding(key=f"faults.{name}", reason=f"{rate:g} an hour is no rate: wanted {RATE}")
        else:
            coming += rate * (spec.hours + spec.warm_up_hours)
            if coming > FAULTS_MAX / 2:
                reason = f"{rate:g} an hour are too many: a run holds {FAULTS_MAX // 2} faults of all kinds"
                yield Finding(key=f"faults.{name}", reason=reason)
                return


def _workload(workload: WorkloadSpec) -> Iterator[Finding]:
    for name in ("orders_per_hour", "inbound_per_hour"):
        rate = getattr(workload, name)
        if rate is not None and not _is_rate(rate):
            yield Finding(key=f"workload.{name}", reason=f"{rate:g} an hour is no rate: wanted {RATE}")
    profile = workload.hourly_profile
    if profile and (len(profile) != HOURS_A_DAY or not all(_is_rate(w) for w in profile) or not sum(profile)):
        reason = f"wanted {HOURS_A_DAY} weights, each {RATE}, and not all 0"
        yield Finding(key="workload.hourly_profile", reason=reason)
    for name, most in (("lines_max", LINES_MAX), ("quantity_max", QUANTITY_MAX)):
        if not 1 <= getattr(workload, name) <= most:
            yield Finding(key=f"workload.{name}", reason=f"{getattr(workload, name)} is not from 1 to {most}")
    if not (math.isfinite(workload.abc_skew) and workload.abc_skew > 0):
        yield Finding(key="workload.abc_skew", reason=f"{workload.abc_skew:g} is not above 0")
    if not 0 <= workload.affinity <= 1:
        yield Finding(key="workload.affinity", reason=f"{workload.affinity:g} is not from 0 to 1")
    if workload.sku_count < 0:
        yield Finding(key="workload.sku_count", reason=f"{workload.sku_count} is below zero")
    for order in workload.replay:
        if order.at_ms < 0:
            yield Finding(key=f"workload.replay.{order.number}", reason=f"comes {-order.at_ms} ms before the start")
    for number, count in Counter(order.number for order in workload.replay).items():
        if count > 1:
            yield Finding(key=f"workload.replay.{number}", reason=f"comes {count} times")


def _names(spec: RunSpec) -> Iterator[Finding]:
    """Words that must be one of a few."""
    for kind, name in spec.policies.items():
        if kind not in POLICIES:
            yield Finding(key=f"policies.{kind}", reason=f"no such kind of policy: {', '.join(POLICIES)}")
        elif name not in POLICIES[kind]:
            yield Finding(key=f"policies.{kind}", reason=f"there is no {name}: {', '.join(POLICIES[kind])}")
    for key, word, known in (
        ("workload.arrivals", spec.workload.arrivals, ARRIVALS),
        ("staff.service", spec.staff.service, SERVICES),
        ("keep", spec.keep, KEPT),
        *((f"latency.{name}", name, tuple(p.value for p in Protocol)) for name in spec.latency),
    ):
        if word not in known:
            yield Finding(key=key, reason=f"{word!r} is none of {', '.join(known)}")


def _latency(key: str, profile: LatencyProfile) -> Iterator[Finding]:
    times = (profile.mean_ms, profile.deviation_ms, profile.low_ms, profile.planning_ms)
    if not all(_is_time(time_ms) for time_ms in times):
        yield Finding(key=key, reason="times are 0 ms or more")
    if profile.low_ms > profile.high_ms:
        yield Finding(key=key, reason=f"low_ms {profile.low_ms} is above high_ms {profile.high_ms}")


def _closed(spec: RunSpec) -> Iterator[Finding]:
    known = {a.name for a in spec.plant.aisles} | {s.name for s in spec.plant.stations}
    known |= {n.name for n in spec.plant.track.nodes}
    for place in spec.closed:
        if place not in known and not LocationTable(spec.plant).has(place):
            reason = f"{place} is no aisle, location, station or track node of {spec.plant.name}"
            yield Finding(key="closed", reason=reason)
    for kind, names in (
        ("aisle", {aisle.name for aisle in spec.plant.aisles}),
        ("station", {station.name for station in spec.plant.stations}),
    ):
        if names and names <= set(spec.closed):
            yield Finding(
                key="closed", reason=f"no {kind} of {spec.plant.name} is left open: no order could be shipped"
            )


def _stock(spec: RunSpec) -> Iterator[Finding]:
    """Every SKU needs a load unit at opening, and some places stay free to move."""
    places = LocationTable(spec.plant).count
    if spec.workload.sku_count > places:  # so that nobody draws up a list of a billion articles to say no
        reason = f"{spec.workload.sku_count} do not fit: {spec.plant.name} has {places} locations"
        yield Finding(key="workload.sku_count", reason=reason)
        return
    workload = Workload(spec.plant, spec.seed, shape=spec.workload)
    replayed = {line.sku for order in spec.workload.replay for line in order.lines} - set(workload.names)
    count = workload.sku_count + len(replayed)
    most = workload.stocked(count)
    if count > most:
        where = f"do not fit: {spec.plant.name} holds opening stock on {most} locations"
        if replayed:
            reason = f"{len(replayed)} SKUs of real orders beside the {workload.sku_count} of the workload {where}"
            yield Finding(key=REPLAY, reason=reason)
        else:
            yield Finding(key="workload.sku_count", reason=f"{count} {where}")


def _is_rate(value: float) -> bool:
    return value == 0 or RATE_MIN <= value <= RATE_MAX


def _is_time(value: float) -> bool:
    return math.isfinite(value) and value >= 0
