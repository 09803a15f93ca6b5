"""Load units: where they stand, what is in them, moves by hand, holds, counts; and departures at the docks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.context import Operator, Reader, Site
from api.models import Body, Done, Limit, Name, Offset, Page, Reason, Text, answer, done, page, read_model
from api.problems import unknown
from api.routes.transports import TransportModel
from wcs.core import entities as e
from wcs.core import events as v

router = APIRouter(prefix="/load-units", tags=["load units"])
UNIT = {
    "load_unit": 1000123, "barcode": "T1000123", "load_type": 1, "place": "A1-L-05-03-1", "role": "stock",
    "mass_g": 9000, "height_mm": 320, "identified": True,
}  # fmt: skip
UnitModel = read_model(e.LoadUnit, UNIT)
ContentModel = read_model(e.Content)


class UnitDetail(BaseModel):
    load_unit: UnitModel  # type: ignore[valid-type]
    contents: list[ContentModel]  # type: ignore[valid-type]
    transport_order: TransportModel | None  # type: ignore[valid-type]


class PlacedBody(Body):
    """Where a person has put it. A move that no station's work asks for needs its reason."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"place": "A1-L-05-03-1", "reason": "found in the wrong bin"}]}
    )
    place: Name
    reason: Text = ""


class LoadUnitHoldBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "damaged"}]})
    reason: Reason


class CountBody(Body):
    """What was counted of one content; the difference is posted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sku": "TEA-100", "lot": "L2611", "owner": "own", "quantity": 39}]}
    )
    sku: Name
    lot: Name
    owner: Name = "own"
    quantity: Annotated[int, Field(ge=0, le=1_000_000)]


def check_known(site: Site, load_unit: int) -> None:
    if load_unit not in site.view.load_unit:
        raise unknown("load_unit", "load unit", load_unit)


@router.get("", response_model=Page[UnitModel])  # type: ignore[valid-type]
async def list_load_units(
    site: Site,
    _: Reader,
    barcode: Annotated[str | None, Query()] = None,
    place: Annotated[str | None, Query()] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Load units, all or by barcode or place."""
    view = site.view
    numbers: Iterable[int] = view.load_unit.rows
    if barcode is not None:
        number = view.unit_of_barcode.get(barcode)
        numbers = [] if number is None else [number]
    elif place is not None:
        numbers = list(view.units_at.get(place, ()))
    rows = (view.load_unit[n] for n in numbers)
    return page((row for row in rows if place is None or row.place == place), limit, offset)


@router.get("/{load_unit}", response_model=UnitDetail)
async def read_load_unit(site: Site, _: Reader, load_unit: int) -> Response:
    check_known(site, load_unit)
    view = site.view
    return answer(
        {
            "load_unit": view.load_unit[load_unit],
            "contents": view.contents(load_unit),
            "transport_order": view.transport_for(load_unit),
        }
    )


@router.post("/{load_unit}/placed", response_model=Done)
async def confirm_placed(site: Site, actor: Operator, load_unit: int, body: PlacedBody) -> Response:
    """A person has put the load unit somewhere."""
    check_known(site, load_unit)
    return done(
        await site.submit(
            lambda at_ms: v.LoadUnitPlaced(
                at_ms=at_ms, actor=actor, load_unit=load_unit, place=body.place, reason=body.reason
            )
        )
    )


@router.put("/{load_unit}/hold", response_model=Done)
async def hold_load_unit(site: Site, actor: Operator, load_unit: int, body: LoadUnitHoldBody) -> Response:
    """Place a quality or damage hold: nothing of it can be reserved, and what was is promised from elsewhere."""
    return await set_hold(site, actor, load_unit, body.reason)


@router.delete("/{load_unit}/hold", response_model=Done)
async def lift_load_unit_hold(site: Site, actor: Operator, load_unit: int) -> Response:
    return await set_hold(site, actor, load_unit, "")


async def set_hold(site: Site, actor: str, load_unit: int, reason: str) -> Response:
    check_known(site, load_unit)
    return done(
        await site.submit(lambda at_ms: v.HoldRequested(at_ms=at_ms, actor=actor, reason=reason, load_unit=load_unit))
    )


@router.post("/{load_unit}/counts", response_model=Done)
async def count_content(site: Site, actor: Operator, load_unit: int, body: CountBody) -> Response:
    """A count of one content."""
    check_known(site, load_unit)
    return done(
        await site.submit(
            lambda at_ms: v.StockCounted(at_ms=at_ms, actor=actor, load_unit=load_unit, **body.model_dump())
        )
    )


@router.post("/{load_unit}/departed", response_model=Done)
async def confirm_departed(site: Site, actor: Operator, load_unit: int) -> Response:
    """The load unit has left on its truck: its order is shipped."""
    check_known(site, load_unit)
    return done(await site.submit(lambda at_ms: v.DepartureConfirmed(at_ms=at_ms, actor=actor, load_unit=load_unit)))
