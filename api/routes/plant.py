"""The building as it is described, for whoever draws it; and who may call."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.context import Admin, Reader, Site, context_of
from api.models import Body, Name, answer
from api.problems import unknown
from api.tokens import Scope

router = APIRouter(tags=["site"])


class TokenBody(Body):
    model_config = ConfigDict(strict=False, json_schema_extra={"examples": [{"actor": "shop", "scopes": ["order"]}]})
    actor: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]


class TokenModel(BaseModel):
    """A token's words are shown in the answer to its making, and never again."""

    actor: str
    scopes: list[Scope]
    created_ms: int


class MadeModel(BaseModel):
    actor: str
    token: str


class LinkModel(BaseModel):
    actor: str
    link: str


class RevokedModel(BaseModel):
    """What was good until then."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"revoked": 1, "sessions": 1, "links": 0}]})
    revoked: Annotated[int, Field(description="tokens")]
    sessions: Annotated[int, Field(description="sessions of the page")]
    links: Annotated[int, Field(description="sign-in links that nobody had used")]


@router.get("/plant", response_model=dict[str, Any])
async def read_plant(site: Site, _: Reader) -> Response:
    """The plant file's content: aisles, cranes, conveyors, stations, docks, track, vehicles."""
    return answer(site.layout.plant)


@router.get("/tokens", response_model=list[TokenModel])
async def list_tokens(request: Request, _: Admin) -> Response:
    tokens = context_of(request).tokens.listed()
    return answer([{"actor": t.actor, "scopes": t.scopes, "created_ms": t.created_ms} for t in tokens])


@router.post("/tokens", response_model=MadeModel, status_code=201)
def make_token(request: Request, _: Admin, body: TokenBody) -> Response:
    """Make a token. It waits for the database, so it runs beside the event loop."""
    words = context_of(request).tokens.make(body.actor, body.scopes)
    return answer({"actor": body.actor, "token": words}, 201)


@router.post("/sign-in-links", response_model=LinkModel, status_code=201)
async def make_link(request: Request, _: Admin, body: TokenBody) -> Response:
    """Make a link to the page that signs the actor in once; it grows old in ten minutes."""
    code = context_of(request).sessions.make_code(body.actor, body.scopes)
    return answer({"actor": body.actor, "link": f"{request.base_url}sign-in?code={code}"}, 201)


@router.delete("/tokens/{actor}", response_model=RevokedModel)
async def revoke_tokens(request: Request, _: Admin, actor: Annotated[Name, Path()]) -> Response:
    """Shut an actor out: all tokens, sessions of the page and unused sign-in links are void, open streams end."""
    context = context_of(request)
    sessions, codes = context.sessions.revoke(actor)  # first: it waits for nothing
    tokens = await run_in_threadpool(context.tokens.revoke, actor)
    if not tokens + sessions + codes:
        raise unknown("actor", "actor", actor)
    return answer({"revoked": tokens, "sessions": sessions, "links": codes})
