"""A listener that takes nothing is closed, whatever waits for it, and the others hear on."""

from __future__ import annotations

import base64
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api import stream
from tests.api.serving import Served, served
from tests.api.test_faces import listen, told

PATIENCE_S = 0.5  # in place of the ten seconds
DEADLINE_S = 30
BUFFER = 4096
TOTE = {
    "barcode": "T1", "load_type": 1, "place": "A1-L-01-01-1", "mass_g": 3000, "height_mm": 300,
    "contents": [{"sku": "TEA", "lot": "L1", "quantity": 900}], "load_unit": 1,
}  # fmt: skip
ORDERS = 400  # a snapshot of them is more than what server and system hold back for one client


def listen_and_read_nothing(site: Served, authorization: str) -> socket.socket:
    """A client that asks for the stream and never takes a byte of it."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", site.port))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        "GET /api/v1/stream HTTP/1.1", f"Host: 127.0.0.1:{site.port}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", f"Authorization: {authorization}", "", "",
    )  # fmt: skip
    deaf.sendall("\r\n".join(lines).encode())
    return deaf


def order(admin: httpx.Client, n: int) -> None:
    body = {"number": f"{n:03d}".ljust(64, "x"), "lines": [{"sku": "TEA", "quantity": 1}]}
    assert admin.post("/api/v1/orders", json=body).status_code == 201


def listeners(admin: httpx.Client) -> float:
    (line,) = (one for one in admin.get("/metrics").text.splitlines() if one.startswith("wcs_stream_listeners "))
    return float(line.split()[1])


def wait_for(count: int, admin: httpx.Client) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while listeners(admin) != count:
        assert time.monotonic() < deadline, f"there are {listeners(admin):.0f} listeners, not {count}"


def test_a_listener_that_takes_nothing_is_closed_and_the_others_hear_on(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SEND_MAX_S", PATIENCE_S)
    with served(sqlite_url, send_buffer=BUFFER) as site, site.client() as admin:
        admin.put("/api/v1/skus/TEA", json={"name": "Tea"})
        admin.post("/api/v1/opening-stock", json={"load_units": [TOTE]})
        with ThreadPoolExecutor(8) as shops:  # several share a commit
            list(shops.map(lambda n: order(admin, n), range(ORDERS)))
        headers = {"Authorization": admin.headers["authorization"]}
        with listen(site, headers) as other, listen_and_read_nothing(site, headers["Authorization"]):
            assert told(other)["type"] == "snapshot"
            wait_for(2, admin)
            order(admin, ORDERS)  # the snapshot fills the buffers; what follows it waits
            wait_for(1, admin)
            admin.put("/api/v1/places/A1/block", json={"reason": "bent beam"})
            while "block" not in told(other).get("rows", {}):
                pass
