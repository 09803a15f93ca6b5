"""Who is calling, and what the routes work with. Rule: strangers get /livez, /readyz and the icon, no more."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.host import Host
from api.problems import Problem
from api.query import refuse_unknown_parameters
from api.sessions import FailedTries, Sessions
from api.tokens import Scope, Token, TokenStore
from api.used_keys import UsedKeys

SESSION_COOKIE = "wcs_session"
PAGE_HEADER = "X-WCS-Page"  # other sites' pages cannot set it, so a cookie alone never writes
READING_METHODS = ("GET", "HEAD", "OPTIONS")
RETRY_AFTER_S = "60"


class Context:
    """What one application serves with."""

    def __init__(self, site: Host, tokens: TokenStore, sessions: Sessions, host_names: frozenset[str]) -> None:
        self.site = site
        self.tokens = tokens
        self.sessions = sessions
        self.tries = FailedTries()
        self.used_keys = UsedKeys(tokens.engine)
        self.host_names = host_names
        self.listeners = 0  # clients of the stream


def context_of(connection: HTTPConnection) -> Context:
    context = connection.app.state.context
    assert isinstance(context, Context)
    return context


def site_of(connection: HTTPConnection) -> Host:
    return context_of(connection).site


def keys_of(connection: HTTPConnection) -> UsedKeys:
    return context_of(connection).used_keys


def _in_header(connection: HTTPConnection) -> tuple[str, str]:
    """Scheme and words of the header Authorization; empty words: the page's session speaks for the caller."""
    scheme, _, words = connection.headers.get("authorization", "").partition(" ")
    return scheme.lower(), words.strip()


def token_of(connection: HTTPConnection) -> Token | None:
    """The caller's token as it is now, from the bearer header or from the page's session; None if it is void."""
    context = context_of(connection)
    scheme, words = _in_header(connection)
    if words:
        return context.tokens.find(words) if scheme == "bearer" else None
    return context.sessions.find(connection.cookies.get(SESSION_COOKIE, ""))


def authenticate(connection: HTTPConnection) -> Token:
    """The caller's token, which is good now; a session's writes only for our own page.

    Raises:
        Problem: 401, or 429 for a stranger who tries too often.
    """
    token = token_of(connection)
    if token is not None:
        _, words = _in_header(connection)
        writes = connection.scope.get("method", "GET") not in READING_METHODS
        if writes and not words and PAGE_HEADER not in connection.headers:
            raise Problem(403, f"a session writes only with the header {PAGE_HEADER}", field=PAGE_HEADER)
        return token
    challenge = {"WWW-Authenticate": "Bearer"}
    if context_of(connection).tries.too_many(connection.client.host if connection.client else ""):
        raise Problem(429, "too many failed tries", headers={"Retry-After": RETRY_AFTER_S})
    raise Problem(401, "a valid token is wanted in the header Authorization", headers=challenge)


def allowed(scope: Scope) -> Callable[[HTTPConnection], Coroutine[Any, Any, str]]:
    """A dependency: the caller's actor, if its token has the scope and the request no parameter that is not known."""

    async def actor(connection: HTTPConnection) -> str:
        token = authenticate(connection)
        if not token.allows(scope):
            raise Problem(403, f"this token does not have the scope {scope.value!r}")
        refuse_unknown_parameters(connection)  # here, for every route asks who is calling, and a stranger hears no more
        return token.actor

    return actor


Site = Annotated[Host, Depends(site_of)]
Keys = Annotated[UsedKeys, Depends(keys_of)]
Reader = Annotated[str, Depends(allowed(Scope.READ))]
Orderer = Annotated[str, Depends(allowed(Scope.ORDER))]
Operator = Annotated[str, Depends(allowed(Scope.OPERATE))]
Admin = Annotated[str, Depends(allowed(Scope.ADMIN))]
