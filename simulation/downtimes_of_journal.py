"""Availability from a site's journal. Rule: it is read, whole, at one moment, and nothing is written.

Where older lines have been archived, the closing says how each device stood when those that are left begin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from msgspec.structs import replace

from simulation.downtimes import Downtimes
from simulation.spec import DeviceTimes
from simulation.warm_start import SITE_ID
from wcs.core import entities as e
from wcs.core import facts as f
from wcs.core.layout import Layout
from wcs.core.ports import OperatingMode
from wcs.ledger.audit_opening import read_opening
from wcs.ledger.journal_codec import decode_fact
from wcs.ledger.tables import FACT, journal
from wcs.plant.model import Plant

NEEDED = (
    f.DeviceSeen, f.DeviceLinkChanged, f.DeviceServiceChanged, f.VehicleAbleChanged, f.AlarmRaised, f.AlarmEnded,
    f.DeviceTaskStarted, f.DeviceTaskEnded,
)  # fmt: skip
INSTALLED = "SELECT name FROM installed_plant WHERE site_id = :site"
ROWS_AT_ONCE = 10_000  # of a journal that may hold millions


def read_downtimes(connection: sa.Connection, plant: Plant, site_id: str = SITE_ID) -> tuple[DeviceTimes, ...]:
    """The times of each device from the first line of the journal to the last; times are the events' own.

    Raises:
        ValueError: the journal is empty, another plant's, or tells nothing of a device of this plant.
    """
    installed = connection.execute(sa.text(INSTALLED), {"site": site_id}).scalar()
    if installed not in (None, plant.name):
        raise ValueError(f"its books belong to the plant {installed}, not to {plant.name}")
    of_site = journal.c.site_id == site_id
    moments = sa.select(sa.func.min(journal.c.occurred_at_ms), sa.func.max(journal.c.occurred_at_ms)).where(of_site)
    first_ms, last_ms = connection.execute(moments).one()
    if first_ms is None:
        raise ValueError("its journal is empty: there is nothing to compute availability from")
    if last_ms <= first_ms:
        raise ValueError("its journal holds one moment, the rest was archived: nothing to compute from")
    kinds = {device: kind.value for device, kind in Layout(plant).kinds.items()}
    downtimes = Downtimes(kinds, first_ms)
    opening = read_opening(connection, site_id)
    downtimes.facts(tuple(_scene(opening.rows)), first_ms - 1)
    told = {row.name for row in opening.rows if isinstance(row, e.Device) and row.ever_synchronised}
    query = (
        sa.select(journal.c.name, journal.c.version, journal.c.document, journal.c.occurred_at_ms)
        .where(of_site, journal.c.kind == FACT, journal.c.name.in_([fact.__name__ for fact in NEEDED]))
        .order_by(journal.c.sequence)
    )
    for name, version, document, at_ms in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query):
        fact = decode_fact(name, version, document)
        if isinstance(fact, f.DeviceLinkChanged):
            told.add(fact.device)
        downtimes.facts((fact,), at_ms)
    silent = [device for device in kinds if device not in told]
    if silent:  # it would stand there with an availability of 1
        raise ValueError(f"its journal tells nothing of {', '.join(silent[:4])}{', …' if silent[4:] else ''}")
    return downtimes.times(last_ms)


def _scene(rows: Iterable[e.Entity]) -> Iterator[f.Fact]:
    """What would have made devices stand as these rows say; one that was ever connected has been in operation."""
    for row in rows:
        match row:
            case e.Device(ever_synchronised=True):
                seen = f.DeviceSeen(
                    device=row.name,
                    mode=row.mode,
                    able=row.able,
                    stopped=row.stopped,
                    alarms=row.alarms,
                    confirmed=row.confirmed,
                    load_unit=row.load_unit,
                    battery_permille=row.battery_permille,
                )
                yield f.DeviceLinkChanged(device=row.name, link=e.Link.SYNCHRONISED, reason="")
                yield replace(seen, mode=OperatingMode.AUTOMATIC, able=True, stopped="", alarms=(0, 0, 0, 0))
                yield f.DeviceServiceChanged(device=row.name, in_service=row.in_service, actor=row.out_of_service_by)
                yield seen
                yield f.DeviceLinkChanged(device=row.name, link=row.link, reason="")
            case e.Alarm():
                yield f.AlarmRaised(alarm=row)
            case _:
                pass
