"""Docks: what stands ready to leave."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from api.context import Reader, Site
from api.models import answer
from api.problems import unknown
from api.routes.load_units import UnitModel

router = APIRouter(prefix="/docks", tags=["docks"])


class DockModel(BaseModel):
    name: str
    inbound_points: list[str]
    outbound_points: list[str]


@router.get("", response_model=list[DockModel])
async def list_docks(site: Site, _: Reader) -> Response:
    return answer(list(site.layout.docks.values()))


@router.get("/{dock}/departures", response_model=list[UnitModel])  # type: ignore[valid-type]
async def list_departures(site: Site, _: Reader, dock: str) -> Response:
    """Load units on the dock's outbound points, ready to leave."""
    if dock not in site.layout.docks:
        raise unknown("dock", "dock", dock)
    view = site.view
    units = [view.unit_at(point) for point in site.layout.docks[dock].outbound_points]
    return answer([view.load_unit[u] for u in units if u and view.transport_for(u) is None])
