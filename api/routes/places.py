"""Locations, aisles, stations and track nodes: what stands there, and blocking them with who and why."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.context import Operator, Reader, Site
from api.models import Body, Done, Limit, Offset, Page, Reason, answer, done, page, read_model
from api.problems import unknown
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.layout import Layout

router = APIRouter(tags=["places"])
BlockModel = read_model(e.Block, {"place": "A1-L-05-03-1", "actor": "mei", "reason": "bent beam", "flow": "both"})


class AisleModel(BaseModel):
    name: str
    crane: str
    zone: str
    locations: int
    block: BlockModel | None  # type: ignore[valid-type]


class PlaceModel(BaseModel):
    """A place by its name; a location's own block, and that of its aisle."""

    place: str
    load_units: list[int]
    block: BlockModel | None  # type: ignore[valid-type]
    aisle_block: BlockModel | None  # type: ignore[valid-type]


class BlockBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "bent beam", "flow": "in"}]})
    reason: Reason
    flow: Literal["in", "out", "both"] = Field(
        "both", description="of a location or aisle: in (put-away), out (retrieval) or both"
    )


def is_known(layout: Layout, place: str) -> bool:
    if layout.is_location(place):
        return layout.locations.has(place)
    return (
        place in layout.aisles
        or layout.is_track(place)
        or place in layout.stations
        or place in layout.transfer_points
        or place in layout.points
        or place in layout.station_of_place
        or place in layout.kinds
    )


@router.get("/aisles", response_model=list[AisleModel])
async def list_aisles(site: Site, _: Reader) -> Response:
    layout, view = site.layout, site.view
    rows = [
        {
            "name": a.name,
            "crane": layout.crane_of_aisle[a.name].name,
            "zone": a.zone,
            "locations": a.location_count,
            "block": view.block.get(a.name),
        }
        for a in layout.aisles.values()
    ]
    return answer(rows)


@router.get("/blocks", response_model=Page[BlockModel])  # type: ignore[valid-type]
async def list_blocks(site: Site, _: Reader, limit: Limit = 100, offset: Offset = 0) -> Response:
    return page(site.view.block, limit, offset)


@router.get("/places/{place}", response_model=PlaceModel)
async def read_place(site: Site, _: Reader, place: str) -> Response:
    if not is_known(site.layout, place):
        raise unknown("place", "place", place)
    aisle = site.layout.aisle_of(place)
    return answer(
        {
            "place": place,
            "load_units": list(site.view.units_at.get(place, ())),
            "block": site.view.block.get(place),
            "aisle_block": site.view.block.get(aisle) if aisle else None,
        }
    )


@router.put("/places/{place}/block", response_model=Done)
async def block_place(site: Site, actor: Operator, place: str, body: BlockBody) -> Response:
    """Keep a location, aisle, station, node of the track or edge (`A>B`, one direction) out of use.

    A location or aisle may be blocked for put-away or for retrieval alone; another flow takes the place of the former.
    """
    return await set_block(site, actor, place, body)


@router.delete("/places/{place}/block", response_model=Done)
async def unblock_place(site: Site, actor: Operator, place: str) -> Response:
    return await set_block(site, actor, place, None)


async def set_block(site: Site, actor: str, place: str, body: BlockBody | None) -> Response:
    if not is_known(site.layout, place):
        raise unknown("place", "place", place)
    return done(
        await site.submit(
            lambda at_ms: v.PlaceBlockRequested(
                at_ms=at_ms,
                actor=actor,
                place=place,
                blocked=body is not None,
                reason=body.reason if body else "",
                flow=e.Flow(body.flow) if body else e.Flow.BOTH,
            )
        )
    )
