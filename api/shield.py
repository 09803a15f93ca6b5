"""What stands before every route: whose name the caller used for us, how much it may send, and what browsers are told.

Rule: a body is read whole, up to its limit, before anything looks at it.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import document

BODY_MAX = 1_000_000  # 500 load units of opening stock are 200 kB
DRAIN_MAX = 16_000_000  # thrown away of a body too long, so that its sender hears the answer and not a broken line
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Shield:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, host_names: frozenset[str]) -> None:
        self._app = app
        self._names = LOOPBACK_NAMES | host_names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if host_name(headers.get("host", "")) not in self._names:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": "unknown host name"})
                return
            await document(400, "this site does not go by that name", field="Host")(scope, receive, guarded(send))
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        body = await read_body(headers, receive)
        if body is None:
            answer = document(413, f"more than {BODY_MAX} bytes", field="body", headers={"Connection": "close"})
            await answer(scope, receive, guarded(send))
            return
        await self._app(scope, replayed(body, receive), guarded(send))


def host_name(header: str) -> str:
    """The name without its port: "127.0.0.1:8080" → "127.0.0.1".

    >>> host_name("[::1]:8080")
    '[::1]'
    """
    name, colon, port = header.rpartition(":")
    return (name if colon and port.isdigit() else header).lower()


async def read_body(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body, or None if it is too long."""
    said = headers.get("content-length", "0")
    if not said.isdigit() or int(said) > DRAIN_MAX:
        return None
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunk = message.get("body", b"")
        length += len(chunk)
        if length <= BODY_MAX:
            chunks.append(chunk)
        if length > DRAIN_MAX:
            return None
        if not message.get("more_body"):
            return b"".join(chunks) if length <= BODY_MAX else None


def replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever comes."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def guarded(send: Send) -> Send:
    """Add what browsers are to be told."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
