"""Availability from a site's journal. Rule: it is read, whole, at one moment, and nothing is written."""

from __future__ import annotations

import sqlalchemy as sa

from simulation.downtimes import Downtimes
from simulation.spec import DeviceTimes
from simulation.warm_start import SITE_ID
from wcs.core import facts as f
from wcs.core.layout import Layout
from wcs.ledger.journal_codec import decode_fact
from wcs.ledger.tables import FACT, journal
from wcs.plant.model import Plant

NEEDED = (
    f.DeviceSeen, f.DeviceLinkChanged, f.DeviceServiceChanged, f.VehicleAbleChanged, f.AlarmRaised, f.AlarmEnded,
    f.DeviceTaskStarted, f.DeviceTaskEnded,
)  # fmt: skip
ROWS_AT_ONCE = 10_000  # of a journal that may hold millions


def read_downtimes(connection: sa.Connection, plant: Plant, site_id: str = SITE_ID) -> tuple[DeviceTimes, ...]:
    """The times of each device from the first line of the journal to the last; times are the events' own.

    Raises:
        ValueError: the journal is empty, or tells of no device of this plant.
    """
    of_site = journal.c.site_id == site_id
    moments = sa.select(sa.func.min(journal.c.occurred_at_ms), sa.func.max(journal.c.occurred_at_ms)).where(of_site)
    first_ms, last_ms = connection.execute(moments).one()
    if first_ms is None:
        raise ValueError("its journal is empty: there is nothing to compute availability from")
    kinds = {device: kind.value for device, kind in Layout(plant).kinds.items()}
    downtimes = Downtimes(kinds, first_ms)
    query = (
        sa.select(journal.c.name, journal.c.version, journal.c.document, journal.c.occurred_at_ms)
        .where(of_site, journal.c.kind == FACT, journal.c.name.in_([fact.__name__ for fact in NEEDED]))
        .order_by(journal.c.sequence)
    )
    known = False
    for name, version, document, at_ms in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query):
        fact = decode_fact(name, version, document)
        known = known or (isinstance(fact, f.DeviceLinkChanged) and fact.device in kinds)
        downtimes.facts((fact,), at_ms)
    if not known:
        raise ValueError(f"its journal tells of no device of {plant.name}")
    return downtimes.times(last_ms)
