"""Pick stations: what people are to do there, and what they have done."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.context import Operator, Reader, Site
from api.models import Body, Done, Limit, Name, Offset, Page, answer, done, page, read_model
from api.problems import unknown
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.stations import work_at

router = APIRouter(tags=["stations"])
PickModel = read_model(
    e.Reservation,
    {
        "number": 12, "order_number": "SO-1001", "line": 1, "load_unit": 1000123, "sku": "TEA-100", "lot": "L2611",
        "owner": "own", "quantity": 4,
    },
)  # fmt: skip


class StationModel(BaseModel):
    name: str
    pick_point: str
    handover_point: str
    put_on_point: str
    order_places: list[str]
    orders: list[str]
    blocked: bool


class Take(BaseModel):
    """An empty that has arrived for an order, and the free order place to take it to."""

    load_unit: int
    place: str


class WorkModel(BaseModel):
    """What is to be done now; `puts` are load units to be put on the conveyor."""

    takes: list[Take]
    picks: list[PickModel]  # type: ignore[valid-type]
    puts: list[int]


class PickBody(Body):
    """The SKU as scanned, and the quantity moved: less than asked is a short pick."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"sku": "TEA-100", "quantity": 4}]})
    sku: Name
    quantity: Annotated[int, Field(ge=0, le=1_000_000)]


@router.get("/stations", response_model=list[StationModel])
async def list_stations(site: Site, _: Reader) -> Response:
    view = site.view
    rows = [
        {
            "name": s.name,
            "pick_point": s.pick_point,
            "handover_point": s.handover_point,
            "put_on_point": s.put_on_point,
            "order_places": s.order_places,
            "orders": list(view.orders_at_station[s.name]),
            "blocked": s.name in view.block,
        }
        for s in site.layout.stations.values()
    ]
    return answer(rows)


@router.get("/stations/{station}/work", response_model=WorkModel)
async def read_station_work(site: Site, _: Reader, station: str) -> Response:
    if station not in site.layout.stations:
        raise unknown("station", "station", station)
    work = work_at(site.view, site.layout.stations[station])
    takes = [{"load_unit": unit, "place": place} for unit, place in work.takes]
    return answer({"takes": takes, "picks": work.picks, "puts": work.puts})


@router.get("/picks", response_model=Page[PickModel])  # type: ignore[valid-type]
async def list_picks(site: Site, _: Reader, limit: Limit = 100, offset: Offset = 0) -> Response:
    """All that is promised and not picked."""
    return page(site.view.reservation, limit, offset)


@router.get("/picks/{number}", response_model=PickModel)
async def read_pick(site: Site, _: Reader, number: int) -> Response:
    row = site.view.reservation.get(number)
    if row is None:
        raise unknown("number", "open pick", number)
    return answer(msgspec.to_builtins(row))


@router.post("/picks/{number}/confirm", response_model=Done)
async def confirm_pick(site: Site, actor: Operator, number: int, body: PickBody) -> Response:
    if number not in site.view.reservation:
        raise unknown("number", "open pick", number)
    facts = await site.submit(
        lambda at_ms: v.PickConfirmed(
            at_ms=at_ms, actor=actor, reservation=number, sku=body.sku, quantity=body.quantity
        )
    )
    return done(facts)
