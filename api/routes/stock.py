"""Stock by SKU, lot, place or load unit; holds on lots; opening stock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.context import Admin, Operator, Reader, Site
from api.models import (
    HEIGHT_MAX_MM,
    MASS_MAX_G,
    NUMBER_MAX,
    Body,
    Done,
    Limit,
    Name,
    Offset,
    Page,
    Quantity,
    Reason,
    TimeMs,
    answer,
    done,
    page,
    read_model,
)  # fmt: skip
from api.problems import unknown
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core.state import State

router = APIRouter(tags=["stock"])
OPENING_MAX = 500
LotModel = read_model(e.Lot)


class StockModel(BaseModel):
    """One content and where it stands; free = quantity less reserved (0 while held)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sku": "TEA-100", "lot": "L2611", "owner": "own", "load_unit": 1000123, "barcode": "T1000123",
                    "place": "A1-L-05-03-1", "quantity": 40, "reserved": 4, "expiry_ms": 1830000000000, "hold": "",
                }
            ]
        }
    )  # fmt: skip
    sku: str
    lot: str
    owner: str
    load_unit: int
    barcode: str
    place: str
    quantity: int
    reserved: int
    expiry_ms: int | None
    hold: str


class SkuStockModel(BaseModel):
    """All of one SKU that is in load units."""

    sku: str
    quantity: int
    reserved: int
    load_units: int


class LotHoldBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "recall 26-114"}]})
    reason: Reason


class QuantityBody(Body):
    sku: Name
    lot: Name
    quantity: Quantity
    owner: Name = "own"
    expiry_ms: TimeMs | None = None


class OpeningBody(Body):
    """A load unit that stands in the rack when the books are opened."""

    barcode: Name
    load_type: Annotated[int, Field(ge=0, le=65_535)]
    place: Name
    role: Literal["stock", "empty"] = "stock"
    mass_g: Annotated[int, Field(ge=1, le=MASS_MAX_G)]
    height_mm: Annotated[int, Field(ge=1, le=HEIGHT_MAX_MM)]
    contents: Annotated[list[QuantityBody], Field(default_factory=list, max_length=50)]
    load_unit: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0


class OpeningStockBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "load_units": [
                        {
                            "barcode": "T1000123", "load_type": 1, "place": "A1-L-05-03-1", "mass_g": 9000,
                            "height_mm": 320, "contents": [{"sku": "TEA-100", "lot": "L2611", "quantity": 40}],
                        }
                    ]
                }
            ]
        }
    )  # fmt: skip
    load_units: Annotated[list[OpeningBody], Field(min_length=1, max_length=OPENING_MAX)]


def stock_row(view: State, content: e.Content) -> dict[str, object]:
    unit = view.load_unit[content.load_unit]
    lot = view.lot.get((content.sku, content.lot))
    return {
        "sku": content.sku,
        "lot": content.lot,
        "owner": content.owner,
        "load_unit": unit.load_unit,
        "barcode": unit.barcode,
        "place": unit.place,
        "quantity": content.quantity,
        "reserved": content.reserved,
        "expiry_ms": lot.expiry_ms if lot else None,
        "hold": unit.hold or (lot.hold if lot else ""),
    }


def contents(view: State, sku: str | None, place: str | None, load_unit: int | None) -> Iterator[e.Content]:
    """The narrowest index that answers the question."""
    if load_unit is not None or place is not None:
        units: Iterable[int] = [load_unit] if load_unit is not None else list(view.units_at.get(place or "", ()))
        for unit in units:
            yield from view.contents(unit)
    elif sku is not None:
        for _, lot, unit, owner in view.stock_of_sku.get(sku, ()):
            yield view.content[unit, sku, lot, owner]
    else:
        yield from view.content


@router.get("/stock", response_model=Page[StockModel])
async def list_stock(
    site: Site,
    _: Reader,
    sku: Annotated[str | None, Query()] = None,
    lot: Annotated[str | None, Query()] = None,
    place: Annotated[str | None, Query()] = None,
    load_unit: Annotated[int | None, Query()] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Stock, first to expire first where one SKU is asked for."""
    view = site.view
    found = (
        stock_row(view, row)
        for row in contents(view, sku, place, load_unit)
        if (sku is None or row.sku == sku)
        and (lot is None or row.lot == lot)
        and (place is None or view.load_unit[row.load_unit].place == place)
    )
    return page(found, limit, offset)


@router.get("/stock-by-sku", response_model=Page[SkuStockModel])
async def list_stock_by_sku(site: Site, _: Reader, limit: Limit = 100, offset: Offset = 0) -> Response:
    view = site.view

    def rows() -> Iterator[dict[str, object]]:
        for sku, stock in view.stock_of_sku.items():
            held = [view.content[unit, sku, lot, owner] for _, lot, unit, owner in stock]
            yield {
                "sku": sku,
                "quantity": sum(row.quantity for row in held),
                "reserved": sum(row.reserved for row in held),
                "load_units": len(dict.fromkeys(row.load_unit for row in held)),
            }

    return page(rows(), limit, offset)


@router.get("/lots/{sku}/{lot}", response_model=LotModel)
async def read_lot(site: Site, _: Reader, sku: str, lot: str) -> Response:
    check_lot(site, sku, lot)
    return answer(site.view.lot[sku, lot])


@router.put("/lots/{sku}/{lot}/hold", response_model=Done)
async def hold_lot(site: Site, actor: Operator, sku: str, lot: str, body: LotHoldBody) -> Response:
    """Hold a lot, wherever it stands."""
    return await set_hold(site, actor, sku, lot, body.reason)


@router.delete("/lots/{sku}/{lot}/hold", response_model=Done)
async def lift_lot_hold(site: Site, actor: Operator, sku: str, lot: str) -> Response:
    return await set_hold(site, actor, sku, lot, "")


async def set_hold(site: Site, actor: str, sku: str, lot: str, reason: str) -> Response:
    check_lot(site, sku, lot)
    return done(
        await site.submit(lambda at_ms: v.HoldRequested(at_ms=at_ms, actor=actor, reason=reason, sku=sku, lot=lot))
    )


def check_lot(site: Site, sku: str, lot: str) -> None:
    if (sku, lot) not in site.view.lot:
        raise unknown("lot", f"lot of SKU {sku!r}", lot)


@router.post("/opening-stock", response_model=Done)
async def open_stock(site: Site, actor: Admin, body: OpeningStockBody) -> Response:
    """Opening stock, at most 500 load units at once."""
    units = tuple(
        v.OpeningLoadUnit(
            barcode=unit.barcode,
            load_type=unit.load_type,
            place=unit.place,
            role=e.LoadUnitRole(unit.role),
            mass_g=unit.mass_g,
            height_mm=unit.height_mm,
            contents=tuple(v.StockQuantity(**c.model_dump()) for c in unit.contents),
            load_unit=unit.load_unit,
        )
        for unit in body.load_units
    )
    facts = await site.submit(lambda at_ms: v.StockOpened(at_ms=at_ms, actor=actor, load_units=units))
    return answer({"facts": sorted({type(fact).__name__ for fact in facts})})
