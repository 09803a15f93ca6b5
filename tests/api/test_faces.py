"""The stream, the description, the numbers, and the people's desk over HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from api.app import ROUTERS
from api.desk import HttpDesk
from api.tokens import Scope
from devices.machines.machine import Load
from simulation.people import Refused
from tests.api.serving import Served

DEADLINE_S = 20


def listen(site: Served, headers: dict[str, str] | None = None) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{site.port}/api/v1/stream", additional_headers=headers, proxy=None)


def told(connection: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(connection.recv(timeout=DEADLINE_S))
    return message


def test_a_listener_gets_a_snapshot_and_then_what_changes(site: Served, admin: httpx.Client) -> None:
    with listen(site, {"Authorization": admin.headers["authorization"]}) as connection:
        snapshot = told(connection)
        assert snapshot["type"] == "snapshot"
        assert snapshot["condition"]["state"] == "ready"
        assert {d["name"] for d in snapshot["rows"]["device"]} == {"CR1", "CR2", "V1", "CV1", "CV2", "DK1"}
        admin.put("/api/v1/places/A1/block", json={"reason": "bent beam"})
        while "block" not in (news := told(connection)).get("rows", {}):
            pass
        assert news["rows"]["block"][0]["reason"] == "bent beam"
        admin.delete("/api/v1/places/A1/block")
        while "block" not in (news := told(connection)).get("gone", {}):
            pass
        assert news["gone"]["block"] == [["A1"]]


def test_a_query_parameter_that_a_route_does_not_have_is_refused_by_name(site: Served, admin: httpx.Client) -> None:
    """Health is left out: it answers whoever asks however they ask, so that no probe takes a living site for dead."""
    paths = [path for path, acts in admin.get("/api/v1/openapi.json").json()["paths"].items() if "get" in acts]
    paths = [re.sub("{.*?}", "1", path) for path in {*paths, "/api/v1/openapi.json"} - {"/livez", "/readyz"}]
    assert len(paths) > 25
    for path in paths:
        answer = admin.get(path, params={"location": "A2-R-02-02-1"})
        assert (answer.status_code, answer.json()["field"]) == (422, "location"), path
    assert "known are sku, lot, place, load_unit, limit" in admin.get("/api/v1/stock?location=A1").json()["detail"]
    assert admin.post("/api/v1/orders?dry=1", json={"lines": []}).json()["field"] == "dry"
    with site.stranger() as stranger:
        assert stranger.get("/api/v1/stock?location=A1").status_code == 401


def test_a_stranger_hears_nothing(site: Served) -> None:
    with listen(site) as connection, pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=DEADLINE_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_page_of_another_site_hears_nothing_with_our_cookie(site: Served) -> None:
    words = site.sessions.sign_in(site.sessions.make_code("mei", [Scope.READ]))
    cookie = {"Cookie": f"wcs_session={words}"}
    with listen(site, cookie) as connection:
        assert told(connection)["type"] == "snapshot"
    with (
        listen(site, {**cookie, "Origin": "https://evil.example"}) as connection,
        pytest.raises(ConnectionClosed) as closed,
    ):
        connection.recv(timeout=DEADLINE_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize("by", ["token", "session"])
def test_the_stream_of_a_revoked_actor_ends_and_others_hear_on(site: Served, admin: httpx.Client, by: str) -> None:
    if by == "token":
        headers = {"Authorization": f"Bearer {site.tokens.make('mei', [Scope.READ])}"}
    else:
        words = site.sessions.sign_in(site.sessions.make_code("mei", [Scope.READ]))
        headers = {"Cookie": f"wcs_session={words}"}
    with listen(site, headers) as mei, listen(site, {"Authorization": admin.headers["authorization"]}) as other:
        assert told(mei)["type"] == told(other)["type"] == "snapshot"
        assert admin.delete("/api/v1/tokens/mei").status_code == 200
        admin.put("/api/v1/places/A1/block", json={"reason": "bent beam"})
        heard: list[dict[str, Any]] = []
        with pytest.raises(ConnectionClosed) as closed:
            heard.extend(iter(lambda: told(mei), None))
        assert not any("block" in news.get("rows", {}) for news in heard)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        while "block" not in told(other).get("rows", {}):
            pass


def test_the_description_names_every_path_with_examples_and_problems(admin: httpx.Client) -> None:
    described = admin.get("/api/v1/openapi.json").json()
    paths = described["paths"]
    assert "/api/v1/orders/{number}/cancel" in paths
    assert "application/problem+json" in paths["/api/v1/orders"]["post"]["responses"]["422"]["content"]
    assert described["components"]["schemas"]["OrderBody"]["examples"]
    called = [act["operationId"] for acts in paths.values() for act in acts.values()]
    assert len(set(called)) == len(called)
    assert {"place_order", "cancel_order", "hold_lot", "hold_load_unit"} <= set(called)
    assert not [name for name in described["components"]["schemas"] if "__" in name]


def test_what_is_answered_has_the_shape_that_is_described(site: Served, admin: httpx.Client) -> None:
    admin.put("/api/v1/skus/TEA", json={"name": "Tea"})
    admin.put("/api/v1/places/A1/block", json={"reason": "bent beam"})
    admin.post("/api/v1/opening-stock", json={"load_units": [_tote()]})
    admin.post("/api/v1/orders", json={"number": "SO-1", "lines": [{"sku": "TEA", "quantity": 2}]})
    named = {
        "sku": "TEA", "lot": "L1", "number": "SO-1", "load_unit": "1", "device": "CR1", "station": "ST1",
        "place": "A1-L-01-01-1", "dock": "D1",
    }  # fmt: skip
    checked = 0
    for module in ROUTERS:
        for route in module.router.routes:
            if "GET" not in (getattr(route, "methods", None) or ()):
                continue
            answer = admin.get("/api/v1" + route.path.format(**named))
            if answer.status_code == 200:
                TypeAdapter(route.response_model).validate_python(answer.json())
                checked += 1
    assert checked > 15


def _tote() -> dict[str, Any]:
    return {
        "barcode": "T1", "load_type": 1, "place": "A1-L-01-01-1", "mass_g": 3000, "height_mm": 300,
        "contents": [{"sku": "TEA", "lot": "L1", "quantity": 20}], "load_unit": 1,
    }  # fmt: skip


def test_the_numbers_are_there_for_prometheus(admin: httpx.Client) -> None:
    text = admin.get("/metrics").text
    assert 'wcs_host_state{state="ready"} 1.0' in text
    assert "wcs_commit_seconds_bucket" in text


def test_the_desk_shows_and_takes_what_people_need(site: Served, admin: httpx.Client) -> None:
    admin.put("/api/v1/skus/TEA", json={"name": "Tea"})
    admin.post("/api/v1/opening-stock", json={"load_units": [_tote()]})
    line = {"barcode": "T7", "sku": "TEA", "lot": "L2", "quantity": 12}
    admin.post("/api/v1/deliveries", json={"number": "DN-1", "lines": [line]})
    words = site.tokens.make("picker ST1", [Scope.OPERATE])
    desk = HttpDesk(site.address, words)
    try:
        assert desk.station_work("ST1").picks == ()
        found = desk.find_barcode("T1")
        assert found is not None
        assert desk.load_unit(1) == found == site.site.view.load_unit[1]
        assert desk.load_unit(99) is None
        assert desk.find_barcode("NONE") is None
        assert [expected.barcode for expected in desk.expected()] == ["T7"]
        assert desk.departures("D1") == []
        assert desk.alarms() == list(site.site.view.alarm)
        desk.placed(1, "A1-L-02-01-1", "found there")
        assert site.site.view.load_unit[1].place == "A1-L-02-01-1"
        load = Load(number=7, barcode="T7", load_type=1, mass_g=4000, height_mm=300)
        with pytest.raises(Refused, match="place"):
            desk.arrived(next(desk.expected()), load, "D1.OUT1")
        with pytest.raises(Refused):
            desk.confirm_pick(5, "TEA", 1)
        with pytest.raises(Refused):
            desk.departed(1)
    finally:
        desk.close()
