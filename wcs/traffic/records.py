"""What traffic says and remembers, as plain data. Rule: everything that decides is in these records, so that the whole
state can be built again from them.
"""

from __future__ import annotations

from wcs.plant.model import Record


class VehicleTraffic(Record):
    """What one vehicle holds and wants.

    It holds `node` (the last one confirmed) and every node of `ahead` (its released stretch, the base). It wants to go
    to `sink`; without one it is sent to `home`, the parking node that is its own. `detour` is the way that is kept
    free for it, `kept` what else is kept free until the detour's end. `retreating`: it gives way, goes home first and
    stays there a while.
    """

    vehicle: str
    home: str
    node: str
    ahead: tuple[str, ...] = ()
    sink: str | None = None
    asked_ms: int = 0
    moved_ms: int = 0
    detour: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    retreating: bool = False
    able: bool = True

    @property
    def end(self) -> str:
        """Where its released stretch ends: where it will stand if nothing more is granted."""
        return self.ahead[-1] if self.ahead else self.node

    @property
    def towards(self) -> str:
        """Where it is being led: its sink, or its home while it has none or gives way."""
        return self.home if self.sink is None or self.retreating else self.sink


class Grant(Record):
    """The next nodes are reserved for this vehicle, in order, after the end of what it holds.

    `towards` is where it is being led: its sink, or its home while it gives way (`retreat`) or has no errand.
    `detour` and `kept`: what from now on is kept free for it beyond `nodes`. `homes`: who has which home from now on,
    where that changes, so that nobody has to drive a whole round for a parking node.
    """

    vehicle: str
    nodes: tuple[str, ...]
    towards: str
    detour: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    retreat: bool = False
    homes: tuple[tuple[str, str], ...] = ()


class Refusal(Record):
    """Why a vehicle is not led on, who is in its way, and when asking again may help without anything having moved."""

    vehicle: str
    reason: str
    node: str | None = None
    held_by: str | None = None
    until_ms: int | None = None
