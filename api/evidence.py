"""What a building says of itself, for the audit: what its devices report, and what the world of a demo says.

Rule: nothing is commanded. Who does not answer is named with the reason: what was not asked was not proved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec
import sqlalchemy as sa

from api.wiring import PlcEndpoint, read_snapshots, settings_of
from devices.machines.world import WorldRefused
from devices.virtual_plc.addresses import HOST, WORLD
from devices.virtual_plc.remote_world import WorldUnreachable
from devices.virtual_plc.testport import TestPort
from wcs.core.ports import DeviceSnapshot
from wcs.ledger.audit import AuditReport, audit
from wcs.ledger.snapshot import read_snapshot
from wcs.plant.file import load_plant
from wcs.plant.model import Plant, Record
from wcs.plant.site_file import load_site

DEVICES_CHECK, WORLD_CHECK = "paper_equals_devices", "paper_equals_world"
BUSY = "the plant is being driven, {legs} legs under way: ask when nothing moves"
NO_WORLD = "a real site has no world to ask"


class NoDemo(FileNotFoundError):
    """The folder is not one of a demo or of virtual PLCs."""


class Evidence(Record):
    """What was said. None: nobody was there to say it; `skipped` names each check that cannot be made, and why."""

    plant: Plant
    database_url: str
    snapshots: Mapping[str, DeviceSnapshot] | None
    world: Mapping[int, str] | None
    skipped: Mapping[str, str]


def evidence_of_demo(data: Path) -> Evidence:
    """Ask the processes of a demo's folder, as far as they run.

    Raises:
        NoDemo: no such folder.
    """
    building = data / "plant"
    try:
        plant = msgspec.json.decode((building / "plant.json").read_bytes(), type=Plant)
        ports = msgspec.json.decode((building / "ports.json").read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError) as error:
        raise NoDemo(f"{data} is not the folder of a demo: {error}") from None
    endpoints = {plc.name: PlcEndpoint(host=HOST, port=ports[plc.name]) for plc in plant.plcs if plc.name in ports}
    snapshots, skipped = _ask_devices(plant, endpoints)
    world: dict[int, str] | None = None
    port = TestPort((HOST, ports.get(WORLD, 0)))
    try:
        world = port.dump()
    except (WorldUnreachable, WorldRefused, msgspec.MsgspecError) as error:
        skipped[WORLD_CHECK] = f"nobody runs there: the world did not answer ({error})"
    finally:
        port.close()
    return Evidence(
        plant=plant,
        database_url=f"sqlite:///{data.resolve() / 'wcs.db'}",
        snapshots=snapshots,
        world=world,
        skipped=skipped,
    )


def evidence_of_site(site: str, plant: str) -> Evidence:
    """Ask the PLCs of a site file; raises PlantFileError or SecretMissing."""
    building = load_plant(plant)
    settings = settings_of(building, load_site(site, building))
    snapshots, skipped = _ask_devices(building, settings.endpoints)
    return Evidence(
        plant=building,
        database_url=settings.database_url,
        snapshots=snapshots,
        world=None,
        skipped={**skipped, WORLD_CHECK: NO_WORLD},
    )


def audit_with(evidence: Evidence, database_url: str | None, *, full: bool) -> AuditReport:
    """The audit of the books, and of the books against what the building says.

    A site at work moves loads while it is asked, and what is in motion is ahead of its paper. So a difference to the
    building counts only where nothing is under way; else that check is skipped, with what it would have found.
    """
    url = database_url or evidence.database_url
    before = _legs(url)
    report = audit(
        url,
        full=full,
        world=evidence.world,
        snapshots=evidence.snapshots,
        plant=evidence.plant,
    )
    report = msgspec.structs.replace(report, skipped={**report.skipped, **evidence.skipped})
    statuses = [snapshot.status for snapshot in (evidence.snapshots or {}).values()]
    driven = any(status.wcs_alive for status in statuses)
    legs = max(before, _legs(url), sum(status.active_task > 0 for status in statuses))
    return without_motion(report, BUSY.format(legs=legs)) if driven and legs else report


def without_motion(report: AuditReport, why: str) -> AuditReport:
    """The report of a plant in motion: a difference to the building may be no more than that, so it is skipped."""
    checks, skipped = dict(report.checks), dict(report.skipped)
    for name in (DEVICES_CHECK, WORLD_CHECK):
        if name in checks and not checks[name].ok:
            skipped[name] = f"{why} ({checks.pop(name).detail})"
    return msgspec.structs.replace(
        report, ok=all(check.ok for check in checks.values()), checks=checks, skipped=skipped
    )


def _legs(url: str) -> int:
    """How many legs of transports are open on paper."""
    with read_snapshot(url) as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM leg")).scalar_one())


def _ask_devices(
    plant: Plant, endpoints: Mapping[str, PlcEndpoint]
) -> tuple[dict[str, DeviceSnapshot] | None, dict[str, str]]:
    """What those devices say that answer; for the others, why their part of the check is not made."""
    found = asyncio.run(read_snapshots(plant, endpoints))
    if not found:
        return None, {DEVICES_CHECK: f"no PLC answered ({', '.join(sorted(endpoints)) or 'none has an address'})"}
    silent = {
        plc.name: [device for device in plc.devices if device not in found]
        for plc in plant.plcs
        if any(device not in found for device in plc.devices)
    }
    return found, {f"{DEVICES_CHECK}: {plc}": f"no answer from {', '.join(devices)}" for plc, devices in silent.items()}
