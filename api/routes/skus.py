"""Articles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import ConfigDict, Field
from starlette.responses import Response

from api.context import Admin, Reader, Site
from api.models import Body, Limit, Name, Offset, Page, Text, TimeMs, answer, page, read_model
from api.problems import unknown
from wcs.core import entities as e
from wcs.core import events as v

router = APIRouter(prefix="/skus", tags=["skus"])
EXAMPLE = {"sku": "TEA-100", "name": "Green tea 100 g", "gtin": "", "unit_mass_g": 120, "life_at_shipping_ms": 0}
SkuModel = read_model(e.Sku, EXAMPLE)


class SkuBody(Body):
    """An article. `life_at_shipping_ms` must remain at the ship date for a lot to be reserved."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Green tea 100 g", "unit_mass_g": 120}]})
    name: Text = ""
    gtin: Annotated[str, Field(pattern=r"^(\d{8}|\d{12,14})?$")] = ""
    unit_mass_g: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    life_at_shipping_ms: TimeMs = 0


@router.get("", response_model=Page[SkuModel])  # type: ignore[valid-type]
async def list_skus(site: Site, _: Reader, limit: Limit = 100, offset: Offset = 0) -> Response:
    return page(site.view.sku, limit, offset)


@router.get("/{sku}", response_model=SkuModel)
async def read_sku(site: Site, _: Reader, sku: str) -> Response:
    row = site.view.sku.get(sku)
    if row is None:
        raise unknown("sku", "SKU", sku)
    return answer(row)


@router.put("/{sku}", response_model=SkuModel)
async def define_sku(site: Site, actor: Admin, sku: Annotated[Name, Path()], body: SkuBody) -> Response:
    """Define or change an article."""
    row = e.Sku(sku=sku, **body.model_dump())
    await site.submit(lambda at_ms: v.SkuChanged(at_ms=at_ms, actor=actor, sku=row))
    return answer(site.view.sku[sku])
