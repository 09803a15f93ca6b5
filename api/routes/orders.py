"""Customer orders: place, read with the reason why it waits, cancel.

An order is known by its number: the same number with the same content is the same order, however often it is sent and
whatever restarts lie between. Who gives no number gets one made of the Idempotency-Key, so that holds for them too.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.context import Keys, Orderer, Reader, Site
from api.models import Body, Limit, Name, Offset, Page, Quantity, TimeMs, answer, page, read_model
from api.problems import Problem, unknown
from api.routes.stations import PickModel
from wcs.core import entities as e
from wcs.core import events as v
from wcs.core import waiting
from wcs.core.turn import RequestRefused

router = APIRouter(prefix="/orders", tags=["orders"])
LINES_MAX = 500
ORDER = {
    "number": "SO-1001", "state": "placed", "placed_ms": 1800000000000, "due_ms": 1800003600000,
    "waits_for": "a free order place at a station",
}  # fmt: skip
OrderModel = read_model(e.CustomerOrder, ORDER)
OrderLineModel = read_model(e.OrderLine, {"order_number": "SO-1001", "line": 1, "sku": "TEA-100", "quantity": 4})


class OrderDetail(BaseModel):
    """An order, its lines, what is reserved for it, and what its load units wait for."""

    order: OrderModel  # type: ignore[valid-type]
    lines: list[OrderLineModel]  # type: ignore[valid-type]
    reservations: list[PickModel]  # type: ignore[valid-type]
    transports_wait_for: list[str]


class OrderLineBody(Body):
    sku: Name
    quantity: Quantity


class OrderBody(Body):
    """What is wanted. Leave `number` out to have one made of the Idempotency-Key."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"number": "SO-1001", "lines": [{"sku": "TEA-100", "quantity": 4}], "due_ms": 1800003600000}]
        }
    )
    number: Name | None = None
    lines: Annotated[list[OrderLineBody], Field(min_length=1, max_length=LINES_MAX)]
    due_ms: TimeMs | None = None


def detail(site: Site, number: str, status: int = 200) -> Response:
    view = site.view
    reservations = [view.reservation[n] for n in view.reservations_of_order.get(number, ())]
    units = dict.fromkeys([view.order[number].load_unit, *(r.load_unit for r in reservations)])
    transports = [t for unit in units if (t := view.transport_for(unit)) is not None]
    return answer(
        {
            "order": view.order[number],
            "lines": view.lines(number),
            "reservations": reservations,
            "transports_wait_for": [why for t in transports if (why := waiting.reason(view, t))],
        },
        status,
    )


@router.post("", response_model=OrderDetail, status_code=201)
async def place_order(
    site: Site,
    keys: Keys,
    actor: Orderer,
    body: OrderBody,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Response:
    """Place an order. 201 when it is new, 200 when it is known already with this very content."""
    if body.number is None and idempotency_key is None:
        raise Problem(400, "wanted: a number in the body or the header Idempotency-Key", field="number")
    number = body.number or "K" + hashlib.sha256(f"{actor}\n{idempotency_key}".encode()).hexdigest()[:20].upper()
    digest = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    lines = tuple(v.OrderLineWish(sku=line.sku, quantity=line.quantity) for line in body.lines)
    if idempotency_key is not None:
        keys.check(actor, idempotency_key, number, digest)
    try:
        if idempotency_key is not None:
            await keys.note(actor, idempotency_key, number, digest)
        facts = await site.submit(
            lambda at_ms: v.OrderRequested(at_ms=at_ms, actor=actor, number=number, lines=lines, due_ms=body.due_ms)
        )
    except RequestRefused:
        if idempotency_key is not None:
            await keys.forget(actor, idempotency_key)  # nothing was done under it
        raise
    finally:
        if idempotency_key is not None:
            keys.decided(actor, idempotency_key)
    return detail(site, number, 201 if facts else 200)


@router.get("", response_model=Page[OrderModel])  # type: ignore[valid-type]
async def list_orders(
    site: Site,
    _: Reader,
    state: Annotated[e.OrderState | None, Query()] = None,
    only_open: Annotated[bool, Query(alias="open", description="only orders that have not ended")] = False,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Orders: open ones in the order of their placing, all of them the latest first."""
    view = site.view
    rows = (view.order[n] for n in view.orders_open) if only_open else reversed(view.order.rows.values())
    return page((row for row in rows if state is None or row.state is state), limit, offset)


@router.get("/{number}", response_model=OrderDetail)
async def read_order(site: Site, _: Reader, number: str) -> Response:
    if number not in site.view.order:
        raise unknown("number", "order", number)
    return detail(site, number)


@router.post("/{number}/cancel", response_model=OrderDetail)
async def cancel_order(site: Site, actor: Orderer, number: str) -> Response:
    """Withdraw an order in an orderly way; what was picked becomes stock again."""
    if number not in site.view.order:
        raise unknown("number", "order", number)
    await site.submit(lambda at_ms: v.OrderCancelRequested(at_ms=at_ms, actor=actor, number=number))
    return detail(site, number)
