"""Shapes at the edge: what bodies may look like, and what answers look like for those who read the OpenAPI description.

Rule: pydantic stands here and in the routes' bodies only. A body with a field that we do not know is refused.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, create_model
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.names import reason_against
from wcs.core import entities as e
from wcs.core.orders import NUMBER_LENGTH_MAX

QUANTITY_MAX = 1_000_000  # as in the core: beyond it somebody has mistyped
TIME_MAX_MS = 1 << 53  # what JavaScript can hold
PAGE_MAX = 500
MASS_MAX_G = 10_000_000
HEIGHT_MAX_MM = 20_000
NUMBER_MAX = (1 << 31) - 1  # a load unit's number is a 32-bit word on the wire

T = TypeVar("T")


def _a_name(name: str) -> str:
    if reason := reason_against(name):
        raise PydanticCustomError("name", "{reason}", {"reason": reason})
    return name


Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=NUMBER_LENGTH_MAX,
        description="no slash, not . or .. or blanks alone, no characters that cannot be seen",
    ),
    AfterValidator(_a_name),
]
# No control characters: a database refuses NUL.
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Quantity = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
TimeMs = Annotated[int, Field(ge=0, le=TIME_MAX_MS, description="plant time, milliseconds")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


class Body(BaseModel):
    """What callers send: exact types, and nothing that we do not know."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ProblemModel(BaseModel):
    """RFC 9457; `field` names what is wrong."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    errors: list[dict[str, str]] | None = None


class Page(BaseModel, Generic[T]):
    """A part of a list. `next_offset` is null at the end."""

    items: list[T]
    next_offset: int | None


class Done(BaseModel):
    """It is on paper."""

    facts: list[str] = Field(description="the kinds of facts that it led to", examples=[["StockPicked"]])


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/problem+json": {"schema": ProblemModel.model_json_schema()}}}
    for status, text in {
        400: "The body is not JSON",
        401: "No valid token",
        403: "The token does not have the scope",
        404: "Unknown in the path",
        409: "The number is taken by other content",
        413: "The body is too long",
        422: "Refused: `field` and `detail` say why; nothing was stored",
        429: "Too many failed tries",
        503: "The site takes nothing in now",
    }.items()
}


def read_model(entity: type[e.Entity], example: dict[str, Any] | None = None) -> type[BaseModel]:
    """The answer's shape of a record of the core, so that each is described in one place."""
    hints = typing.get_type_hints(entity)
    fields: dict[str, Any] = {
        f.name: (hints[f.name], f.default if f.default is not msgspec.NODEFAULT else ...)
        for f in msgspec.structs.fields(entity)
    }
    config = ConfigDict(arbitrary_types_allowed=True, json_schema_extra={"examples": [example]} if example else None)
    return create_model(entity.__name__, __config__=config, __doc__=entity.__doc__, **fields)


def answer(value: object, status: int = 200) -> Response:
    """The committed record as it is; shapes are described in OpenAPI and held to it by a test, not checked per call."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


def page(rows: Iterable[object], limit: int, offset: int) -> Response:
    """A part of a list, without counting the rest of it."""
    found: Iterator[object] = islice(rows, offset, offset + limit + 1)
    items = list(found)
    more = len(items) > limit
    return answer({"items": items[:limit], "next_offset": offset + limit if more else None})


def done(facts: Iterable[object]) -> Response:
    return answer({"facts": [type(fact).__name__ for fact in facts]})
