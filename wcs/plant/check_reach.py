"""Whether loads come from the docks into every location, out to the stations, and from there to the docks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wcs.plant.finding import Finding
from wcs.plant.model import Plant
from wcs.plant.routes import NoRoute, Routes


def check_reach(plant: Plant) -> tuple[Finding, ...]:
    """Aisles, stations and docks that are cut off, and arrivals that nobody would identify."""
    routes = Routes(plant)
    return (*_aisles(plant, routes), *_stations(plant, routes), *_identification(plant, routes))


def _aisles(plant: Plant, routes: Routes) -> Iterator[Finding]:
    arrivals = [p for d in plant.docks for p in d.inbound_points]
    departures = [p for d in plant.docks for p in d.outbound_points]
    pick_points = [s.pick_point for s in plant.stations]
    if not arrivals:
        yield Finding(key="docks", reason="no dock has an inbound point: nothing can arrive")
    if not departures:
        yield Finding(key="docks", reason="no dock has an outbound point: nothing can leave")
    for aisle in plant.aisles:
        key = f"aisles.{aisle.name}"
        if arrivals and not _any_way(routes, arrivals, (aisle.name,)):
            yield Finding(key=key, reason="its locations cannot be reached from any dock")
        if pick_points and not _any_way(routes, (aisle.name,), pick_points):
            yield Finding(key=key, reason="no station can be reached from its locations")
        if departures and not _any_way(routes, (aisle.name,), departures):
            yield Finding(key=key, reason="no dock can be reached from its locations")


def _stations(plant: Plant, routes: Routes) -> Iterator[Finding]:
    aisles = [a.name for a in plant.aisles]
    departures = [p for d in plant.docks for p in d.outbound_points]
    for station in plant.stations:
        key = f"stations.{station.name}"
        if not _any_way(routes, (station.pick_point,), aisles):
            yield Finding(key=f"{key}.pick_point", reason="no aisle can be reached from here")
        if departures and not _any_way(routes, (station.put_on_point,), departures):
            yield Finding(key=f"{key}.put_on_point", reason="no dock can be reached from here")
        if not _any_way(routes, aisles, (station.pick_point,)):
            yield Finding(key=f"{key}.pick_point", reason="cannot be reached from any aisle")


def _identification(plant: Plant, routes: Routes) -> Iterator[Finding]:
    """Where arrivals come onto a conveyor, they meet an identification point even if nobody decides."""
    stops = {s.transfer_point for n in plant.track.nodes for s in n.stops}
    inbound = {p for d in plant.docks for p in d.inbound_points}
    for conveyor in plant.conveyors:
        for segment in conveyor.segments:
            entry = segment.origin
            if entry in stops | inbound and routes.identification_after(entry) is None:
                key = f"conveyors.{conveyor.name}.transfer_points.{entry}"
                yield Finding(key=key, reason="arrivals that enter here meet no identification point")


def _any_way(routes: Routes, origins: Iterable[str], sinks: Iterable[str]) -> bool:
    ends = tuple(sinks)
    return any(_way(routes, origin, sink) for origin in origins for sink in ends)


def _way(routes: Routes, origin: str, sink: str) -> bool:
    try:
        routes.legs(origin, sink)
    except NoRoute:
        return False
    return True
