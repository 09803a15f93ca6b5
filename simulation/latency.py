"""How long telegrams take: drawn by protocol, and fitted from what a site's journal has measured.

Rule: a delay is a function of the seed, the device, the way and the telegram's number on that way; nothing is kept,
so faults and policies do not shift anybody's luck.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import NormalDist, fmean, stdev

import sqlalchemy as sa

from simulation.chance import Chance
from simulation.spec import LatencyProfile
from wcs.ledger.tables import EVENT, command_delivery, journal
from wcs.plant.model import Plant

WAYS = ("down", "up")
DELIVERIES_READ_MAX = 100_000  # the newest: some hours of a busy site, and a second to read
ACCEPTED = 20  # round trips of a protocol, at least, before they say anything of it
# Beyond it a telegram was resent or its device away: that is a fault to be modelled as one, not a long wire.
ROUND_TRIP_MAX_MS = 2_000
EDGE = 1e-12  # probabilities are kept this far from 0 and 1, where the normal quantile has no end


class Latency:
    """What telegrams of this plant take, ms.

    Args:
        profiles: by protocol; one that is not named has the usual profile.
        plant: says which protocol each device speaks.
        seed: of the run.
    """

    def __init__(self, profiles: Mapping[str, LatencyProfile], plant: Plant, seed: int) -> None:
        self._chance = Chance(seed)
        usual = LatencyProfile()
        self._profile = {
            device: profiles.get(plc.protocol.value, usual) for plc in plant.plcs for device in plc.devices
        }

    def delay_ms(self, device: str, way: str, counter: int) -> int:
        """How long the telegram with this number takes on this way ("down" or "up").

        Example:
            >>> from wcs.plant.file import load_plant
            >>> Latency({}, load_plant("tiny"), 1).delay_ms("CR1", "down", 1)
            40
        """
        profile = self._profile[device]
        if not profile.deviation_ms:
            return round(min(max(profile.mean_ms, profile.low_ms), profile.high_ms))
        return cut_normal_ms(profile, self._chance.unit(f"latency {way}", device, counter))

    def planning_ms(self, device: str) -> int:
        """What deciding and committing take before a command leaves for this device."""
        return self._profile[device].planning_ms


def cut_normal_ms(profile: LatencyProfile, unit: float) -> int:
    """The value of a normal distribution cut at the profile's bounds, below which this share of its draws lies."""
    normal = NormalDist(profile.mean_ms, profile.deviation_ms)
    low, high = normal.cdf(profile.low_ms), normal.cdf(profile.high_ms)
    share = min(max(low + unit * (high - low), EDGE), 1 - EDGE)
    return round(min(max(normal.inv_cdf(share), profile.low_ms), profile.high_ms))


def fit_latency(connection: sa.Connection, plant: Plant, site_id: str) -> dict[str, LatencyProfile]:
    """A profile for each protocol of which the site has measured enough; the newest deliveries count.

    Half of the way from sending to acknowledgement is one way; planning is what lies between the arrival of an event
    and its commit, because no command leaves before.

    Raises:
        ValueError: nothing was measured.
    """
    protocol = {device: plc.protocol.value for plc in plant.plcs for device in plc.devices}
    table = command_delivery
    query = (
        sa.select(table.c.device, table.c.acknowledged_at_ms - table.c.sent_at_ms)
        .where(table.c.site_id == site_id, table.c.sent_at_ms.is_not(None), table.c.acknowledged_at_ms.is_not(None))
        .order_by(table.c.sent_at_ms.desc())
        .limit(DELIVERIES_READ_MAX)
    )
    trips: dict[str, list[int]] = {}
    for device, trip_ms in connection.execute(query):
        if device in protocol and 0 <= trip_ms <= ROUND_TRIP_MAX_MS:
            trips.setdefault(protocol[device], []).append(trip_ms)
    planning_ms = _planning_ms(connection, site_id)
    found = {name: _profile(times, planning_ms) for name, times in sorted(trips.items()) if len(times) >= ACCEPTED}
    if not found:
        raise ValueError(f"its journal has no {ACCEPTED} acknowledged commands of any protocol of {plant.name}")
    return found


def _planning_ms(connection: sa.Connection, site_id: str) -> int:
    query = (
        sa.select(journal.c.committed_at_ms - journal.c.received_at_ms)
        .where(journal.c.site_id == site_id, journal.c.kind == EVENT)
        .order_by(journal.c.sequence.desc())
        .limit(DELIVERIES_READ_MAX)
    )
    return _middle_ms(ms for (ms,) in connection.execute(query))


def _middle_ms(times: Iterable[int]) -> int:
    """The median of those that are no interruption of the host."""
    sound = sorted(ms for ms in times if 0 <= ms <= ROUND_TRIP_MAX_MS)
    return sound[len(sound) // 2] if sound else 0


def _profile(trips_ms: list[int], planning_ms: int) -> LatencyProfile:
    """Of one way: two ways that know nothing of each other have twice its variance."""
    return LatencyProfile(
        mean_ms=fmean(trips_ms) / 2,
        deviation_ms=stdev(trips_ms) / math.sqrt(2),
        low_ms=min(trips_ms) // 2,
        high_ms=-(-max(trips_ms) // 2),
        planning_ms=planning_ms,
    )
