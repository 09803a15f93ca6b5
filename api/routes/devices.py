"""Devices: how each is, in and out of service, and what people may ask of it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from api.context import Operator, Reader, Site
from api.models import Body, Done, answer, done
from api.problems import unknown
from api.rows import device_row
from wcs.core import entities as e
from wcs.core import events as v

router = APIRouter(prefix="/devices", tags=["devices"])
Act = Literal["reset_fault", "resume", "cancel", "pause", "home", "take_over", "automatic", "maintenance"]


class DeviceModel(BaseModel):
    """A device as the site knows it; `stopped` says why it does not work, `mode` is the PLC's own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "CR1", "kind": "crane", "link": "synchronised", "mode": "automatic", "able": True,
                    "in_service": True, "out_of_service_by": "", "stopped": "", "alarms": [0, 0, 0, 0], "task": 17,
                    "load_unit": 1000123, "battery_permille": 1000, "place": "",
                }
            ]
        }
    )  # fmt: skip
    name: str
    kind: str
    link: e.Link
    mode: str
    able: bool
    in_service: bool
    out_of_service_by: str
    stopped: str
    alarms: list[int]
    task: int
    load_unit: int
    battery_permille: int
    place: str


class ServiceBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"in_service": False}]})
    in_service: bool


class ActBody(Body):
    """`take_over`: a device that another host drove; `automatic` and `maintenance` ask for the PLC's mode."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"act": "reset_fault"}]})
    act: Act


@router.get("", response_model=list[DeviceModel])
async def list_devices(site: Site, _: Reader) -> Response:
    return answer([device_row(site.layout, row) for row in site.view.device])


@router.get("/{device}", response_model=DeviceModel)
async def read_device(site: Site, _: Reader, device: str) -> Response:
    row = site.view.device.get(device)
    if row is None:
        raise unknown("device", "device", device)
    return answer(device_row(site.layout, row))


@router.put("/{device}/service", response_model=DeviceModel)
async def set_device_service(site: Site, actor: Operator, device: str, body: ServiceBody) -> Response:
    """Take a device out of service (it gets no new work) or back in."""
    if device not in site.view.device:
        raise unknown("device", "device", device)
    await site.submit(
        lambda at_ms: v.DeviceServiceRequested(at_ms=at_ms, actor=actor, device=device, in_service=body.in_service)
    )
    return answer(device_row(site.layout, site.view.device[device]))


@router.post("/{device}/acts", response_model=Done)
async def send_device_act(site: Site, actor: Operator, device: str, body: ActBody) -> Response:
    """Send one command by a person's act; the PLC says whether it is allowed now."""
    if device not in site.view.device:
        raise unknown("device", "device", device)
    return done(
        await site.submit(lambda at_ms: v.DeviceActRequested(at_ms=at_ms, actor=actor, device=device, act=body.act))
    )
