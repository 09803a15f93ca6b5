"""Every "no" of the API is a problem document (RFC 9457) that names the field where there is one.

Rule: errors are turned into answers here and nowhere else.
"""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from wcs.core.turn import AlreadyOtherwise, RequestRefused
from wcs.site import EventQuarantined, HostNotReady

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
ERRORS_MAX = 20  # a body of 500 bad lines does not need 500 complaints
RETRY_AFTER_S = "2"
NOT_JSON = "the body is not JSON"


class Problem(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, status: int, detail: str, *, field: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers


def document(
    status: int,
    detail: str,
    *,
    field: str = "",
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The problem document as an answer."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field:
        body["field"] = field
    if errors:
        body["errors"] = errors
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def unknown(field: str, what: str, name: object) -> Problem:
    """The path names something that is not there."""
    return Problem(404, f"unknown {what} {name!r}", field=field)


def add_handlers(app: FastAPI) -> None:
    """All kinds of failure, one answer each."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestRefused, _refused)
    app.add_exception_handler(HostNotReady, _not_ready)
    app.add_exception_handler(EventQuarantined, _quarantined)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return document(error.status, error.detail, field=error.field, headers=error.headers)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    status = 409 if isinstance(error, AlreadyOtherwise) else 422
    return document(status, error.reason, field=error.field)


def _not_ready(_: Request, error: Exception) -> Response:
    return document(503, str(error), headers={"Retry-After": RETRY_AFTER_S})


def _quarantined(_: Request, error: Exception) -> Response:
    return document(500, f"our fault, nothing was done: {error}")


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, UnicodeDecodeError | RecursionError):  # FastAPI at a body: no UTF-8, or too deep
        return document(400, NOT_JSON, field="body")
    return document(error.status_code, str(error.detail), headers=error.headers)


def _bug(_: Request, error: Exception) -> Response:
    logger.error("a request met a bug of ours", exc_info=error)
    return document(500, "our fault")


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[:ERRORS_MAX]
    if any(one["type"] == "json_invalid" for one in found):
        return document(400, NOT_JSON, field="body")
    errors = [{"field": _field(one["loc"]), "reason": str(one["msg"])} for one in found]
    first = errors[0]
    return document(422, f"{first['field']}: {first['reason']}", field=first["field"], errors=errors)


def _field(location: tuple[str | int, ...]) -> str:
    """("body", "lines", 0, "sku") as lines[0].sku, the way the core names fields too."""
    name = ""
    for part in location[1:]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or str(location[0])
