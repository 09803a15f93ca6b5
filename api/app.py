"""The web application of one site: REST under /api/v1, the live stream, health, metrics and the page.

Rule: handlers run on the host's event loop and read the committed view between two of its batches; none of them blocks.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware
from starlette.responses import Response

from api import health, pages, problems, stream
from api.context import Context, Reader
from api.host import Host
from api.models import PROBLEMS, answer
from api.routes import (
    alarms,
    deliveries,
    devices,
    docks,
    load_units,
    orders,
    places,
    plant,
    skus,
    stations,
    stock,
    transports,
)
from api.sessions import Sessions
from api.shield import Shield
from api.tokens import TokenStore

TITLE = "Warehouse control system"
VERSION = "1.0"
PREFIX = "/api/v1"
ROUTERS = (
    skus, deliveries, orders, stations, load_units, docks, stock, transports, devices, places, alarms, plant, stream,
)  # fmt: skip


def create_app(
    site: Host, tokens: TokenStore, *, sessions: Sessions | None = None, host_names: Iterable[str] = ()
) -> FastAPI:
    """Put a site's faces together.

    Args:
        site: the running host.
        tokens: who may call.
        sessions: for whoever makes sign-in links (`sessions.make_code`); made here if not given.
        host_names: names that this site goes by, besides those of the loopback.
    """
    names = frozenset(name.lower() for name in host_names)
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=lambda route: route.name,
        middleware=[Middleware(Shield, host_names=names)],
    )
    app.state.context = Context(site, tokens, sessions or Sessions(), names)
    problems.add_handlers(app)
    api = APIRouter(prefix=PREFIX, responses=PROBLEMS)
    for module in ROUTERS:
        api.include_router(module.router)
    _describe(api, app)
    app.include_router(api)
    app.include_router(health.router)
    app.include_router(pages.router)
    return app


def _describe(api: APIRouter, app: FastAPI) -> None:
    """The OpenAPI description, for callers only."""
    made: list[dict[str, object]] = []

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi(_: Reader) -> Response:
        if not made:
            made.append(get_openapi(title=TITLE, version=VERSION, routes=app.routes))
        return answer(made[0])
