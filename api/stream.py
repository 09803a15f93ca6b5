"""The live stream: one snapshot, then what changes, over a WebSocket.

    {"type": "snapshot", "now_ms", "condition", "rows": {table: [row, …]}, "telemetry": {device: {…}}}
    {"type": "changes",  "now_ms", "rows": {table: [row, …]}, "gone": {table: [key, …]}, "telemetry": {…}, "condition"?}

Rule: a client is told how things are, not everything that happened: what changed twice before it could be sent is sent
once, as it is then. So what waits for a client is bounded by what there is, and a slow one is closed, not waited for.
Whoever is revoked, or whose session ends, hears nothing from then on: the token is looked up again before each message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from api.context import SESSION_COOKIE, Context, authenticate, context_of, token_of
from api.host import Host
from api.problems import Problem
from api.rows import Row, streamed_key, streamed_row, streamed_rows, tables_streamed
from wcs.core import entities as e

router = APIRouter()
PAUSE_S = 0.1  # at most ten messages a second: more than an eye needs
SEND_MAX_S = 10.0  # a client that takes no message for that long is closed
PENDING_MAX = 5_000  # rows that wait for one client; beyond it a new snapshot is shorter
CLIENTS_MAX = 50
CLOSE_STRANGER, CLOSE_SLOW, CLOSE_FULL, CLOSE_RELOAD = 4401, 4408, 4429, 4410

Key = tuple[type[e.Entity], object]


class Listener:
    """One client: what it has not been told yet."""

    def __init__(self, site: Host) -> None:
        self._site = site
        self._pending: dict[Key, None] = {}
        self._telemetry: dict[str, object] = {}
        self._condition = site.condition
        self._behind = False

    async def hear(self) -> None:
        """Note what changes, for ever."""
        tables = tables_streamed()
        async for news in self._site.follow():
            if news.facts is None or len(self._pending) > PENDING_MAX:
                self._behind = True
                self._pending.clear()
                continue
            for change in news.changes:
                if change.entity in tables:
                    key = change.key[0] if len(change.key) == 1 else change.key
                    self._pending[change.entity, key] = None

    def snapshot(self) -> dict[str, object]:
        self._pending.clear()
        self._behind = False
        self._condition = self._site.condition
        self._telemetry = dict(self._site.telemetry)
        return {
            "type": "snapshot",
            "now_ms": self._site.now_ms,
            "condition": self._condition,
            "rows": streamed_rows(self._site.layout, self._site.view),
            "telemetry": self._telemetry,
        }

    def news(self) -> dict[str, object]:
        """What is to be told now; empty if nothing is."""
        if self._behind:
            return self.snapshot()
        rows: dict[str, list[Row]] = {}
        gone: dict[str, list[object]] = {}
        for entity, key in self._pending:
            row = streamed_row(self._site.layout, self._site.view, entity, key)
            if row is None:
                gone.setdefault(entity.TABLE, []).append(streamed_key(key))
            else:
                rows.setdefault(entity.TABLE, []).append(row)
        self._pending.clear()
        told: dict[str, object] = {}
        moved = {name: now for name, now in self._site.telemetry.items() if self._telemetry.get(name) is not now}
        self._telemetry.update(moved)
        if rows:
            told["rows"] = rows
        if gone:
            told["gone"] = gone
        if moved:
            told["telemetry"] = moved
        if self._condition != self._site.condition:
            told["condition"] = self._condition = self._site.condition
        return {"type": "changes", "now_ms": self._site.now_ms, **told} if told else {}


@router.websocket("/stream")
async def stream(websocket: WebSocket) -> None:
    context = context_of(websocket)
    refusal = refusal_of(websocket, context)
    await websocket.accept()
    if refusal is not None:
        await websocket.close(*refusal)
        return
    context.listeners += 1
    try:
        await tell(websocket, context.site, lambda: token_of(websocket) is not None)
    finally:
        context.listeners -= 1


def refusal_of(websocket: WebSocket, context: Context) -> tuple[int, str] | None:
    """Why this client may not listen; None if it may."""
    try:
        authenticate(websocket)
    except Problem as problem:
        return CLOSE_STRANGER, problem.detail
    origin = websocket.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != websocket.headers.get("host")
    if foreign and SESSION_COOKIE in websocket.cookies:
        return CLOSE_STRANGER, "a page of another site"
    if context.listeners >= CLIENTS_MAX:
        return CLOSE_FULL, f"{CLIENTS_MAX} listen already"
    return None


async def tell(websocket: WebSocket, site: Host, may_listen: Callable[[], bool]) -> None:
    """Snapshot, then changes, until either side ends it or the client may listen no more."""
    listener = Listener(site)
    tasks = [asyncio.create_task(work) for work in (listener.hear(), gone_quiet(websocket))]
    try:
        await asyncio.sleep(0)  # the listener hears from here on, so that nothing falls between it and the snapshot
        message = listener.snapshot()
        while not any(task.done() for task in tasks):
            if not may_listen():
                await websocket.close(CLOSE_STRANGER, "the token is void, or the session has ended")
                return
            if message:
                async with asyncio.timeout(SEND_MAX_S):
                    await websocket.send_text(msgspec.json.encode(message).decode())
            await asyncio.wait(tasks, timeout=PAUSE_S, return_when=asyncio.FIRST_COMPLETED)
            message = listener.news()
        if tasks[0].done():
            await websocket.close(CLOSE_RELOAD, "the site has stopped")
    except TimeoutError:  # the word comes through if there is room for it again; the connection ends in any case
        with contextlib.suppress(RuntimeError, TimeoutError):
            async with asyncio.timeout(1):
                await websocket.close(CLOSE_SLOW, f"took no message for {SEND_MAX_S:.0f} s")
    except WebSocketDisconnect:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def gone_quiet(websocket: WebSocket) -> None:
    """Wait until the client leaves; what it says meanwhile is not listened to."""
    with contextlib.suppress(WebSocketDisconnect):
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass
