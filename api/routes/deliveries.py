"""Deliveries: what is announced, what is still expected, what arrives at a dock (empties too)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.context import Operator, Orderer, Reader, Site
from api.models import (
    HEIGHT_MAX_MM,
    MASS_MAX_G,
    NUMBER_MAX,
    Body,
    Limit,
    Name,
    Offset,
    Page,
    Quantity,
    TimeMs,
    answer,
    page,
    read_model,
)  # fmt: skip
from api.problems import unknown
from api.routes.load_units import UnitModel
from wcs.core import entities as e
from wcs.core import events as v

router = APIRouter(tags=["deliveries"])
LINES_MAX = 500
LINE: dict[str, Any] = {
    "barcode": "T1000123",
    "sku": "TEA-100",
    "lot": "L2611",
    "quantity": 40,
    "expiry_ms": 1830000000000,
}
DeliveryModel = read_model(e.Delivery, {"number": "DN-1001", "state": "announced", "announced_ms": 1800000000000})
LineModel = read_model(e.DeliveryLine, {"delivery": "DN-1001", "line": 1, "received": 0, **LINE})


class DeliveryDetail(BaseModel):
    delivery: DeliveryModel  # type: ignore[valid-type]
    lines: list[LineModel]  # type: ignore[valid-type]


class DeliveryLineBody(Body):
    """One expected load unit, by its barcode."""

    barcode: Name
    sku: Name
    lot: Name
    quantity: Quantity
    expiry_ms: TimeMs | None = None


class DeliveryBody(Body):
    """What will arrive."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "DN-1001", "lines": [LINE]}]})
    number: Name
    lines: Annotated[list[DeliveryLineBody], Field(min_length=1, max_length=LINES_MAX)]


class ArrivalBody(Body):
    """A load unit that stands on a dock's inbound point. Without `delivery` it is an empty carrier."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "delivery": "DN-1001",
                    "barcode": "T1000123",
                    "place": "D1.IN1",
                    "quantity": 40,
                    "load_type": 1,
                    "mass_g": 9000,
                    "height_mm": 320,
                }
            ]
        }
    )
    delivery: Name | None = None
    barcode: Name
    place: Name
    quantity: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    load_type: Annotated[int, Field(ge=0, le=65_535)]
    mass_g: Annotated[int, Field(ge=1, le=MASS_MAX_G)]
    height_mm: Annotated[int, Field(ge=1, le=HEIGHT_MAX_MM)]
    load_unit: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0


def detail(site: Site, number: str) -> Response:
    lines: list[e.DeliveryLine] = []
    while (line := site.view.delivery_line.get((number, len(lines) + 1))) is not None:
        lines.append(line)
    return answer({"delivery": site.view.delivery[number], "lines": lines})


@router.post("/deliveries", response_model=DeliveryDetail)
async def announce_delivery(site: Site, actor: Orderer, body: DeliveryBody) -> Response:
    """Announce a delivery; the same again changes nothing."""
    lines = tuple(
        e.DeliveryLine(delivery=body.number, line=n, **line.model_dump()) for n, line in enumerate(body.lines, 1)
    )
    await site.submit(lambda at_ms: v.DeliveryNotified(at_ms=at_ms, actor=actor, number=body.number, lines=lines))
    return detail(site, body.number)


@router.get("/deliveries", response_model=Page[DeliveryModel])  # type: ignore[valid-type]
async def list_deliveries(site: Site, _: Reader, limit: Limit = 100, offset: Offset = 0) -> Response:
    """Deliveries, the latest first."""
    return page(reversed(site.view.delivery.rows.values()), limit, offset)


@router.get("/deliveries/{number}", response_model=DeliveryDetail)
async def read_delivery(site: Site, _: Reader, number: str) -> Response:
    if number not in site.view.delivery:
        raise unknown("number", "delivery", number)
    return detail(site, number)


@router.get("/delivery-lines", response_model=Page[LineModel])  # type: ignore[valid-type]
async def list_delivery_lines(
    site: Site,
    _: Reader,
    received: Annotated[bool | None, Query(description="false: only what is still expected")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    rows = (row for row in site.view.delivery_line if received is None or bool(row.received) == received)
    return page(rows, limit, offset)


@router.post("/arrivals", response_model=UnitModel)
async def receive_load_unit(site: Site, actor: Operator, body: ArrivalBody) -> Response:
    """Accept a load unit at a dock: goods receipt, and its way into the racks begins."""
    given = body.model_dump()
    given["delivery"] = body.delivery or ""
    await site.submit(lambda at_ms: v.LoadUnitArrived(at_ms=at_ms, actor=actor, **given))
    return answer(site.view.load_unit[site.view.unit_of_barcode[body.barcode]])
