"""Transport orders with their legs, and the open tasks of devices."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from api.context import Reader, Site
from api.models import Limit, Offset, Page, answer, page, read_model
from api.problems import unknown
from api.rows import task_row
from wcs.core import entities as e

router = APIRouter(tags=["transport orders"])
TransportModel = read_model(e.TransportOrder)
LegModel = read_model(e.Leg)


class TransportDetail(BaseModel):
    """A transport order under way and its present leg; a finished one is in the journal."""

    transport_order: TransportModel  # type: ignore[valid-type]
    leg: LegModel | None  # type: ignore[valid-type]


class TaskModel(BaseModel):
    number: int
    device: str
    leg: int
    type: str
    state: e.TaskState
    source: str
    sink: str
    load_unit: int
    picked: bool
    deposited: bool
    result: str


@router.get("/transport-orders", response_model=Page[TransportModel])  # type: ignore[valid-type]
async def list_transports(site: Site, _: Reader, limit: Limit = 100, offset: Offset = 0) -> Response:
    return page(site.view.transport, limit, offset)


@router.get("/transport-orders/{number}", response_model=TransportDetail)
async def read_transport(site: Site, _: Reader, number: int) -> Response:
    row = site.view.transport.get(number)
    if row is None:
        raise unknown("number", "open transport order", number)
    return answer({"transport_order": row, "leg": site.view.leg.get(row.leg)})


@router.get("/tasks", response_model=Page[TaskModel])
async def list_tasks(site: Site, _: Reader, limit: Limit = 100, offset: Offset = 0) -> Response:
    """Outstanding tasks, at most one a device."""
    return page((task_row(task) for task in site.view.task), limit, offset)


@router.get("/tasks/{number}", response_model=TaskModel)
async def read_task(site: Site, _: Reader, number: int) -> Response:
    task = site.view.task.get(number)
    if task is None:
        raise unknown("number", "open task", number)
    return answer(task_row(task))
