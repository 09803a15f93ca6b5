"""The REST contract: what is taken, what is answered, what is refused with its field; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.serving import Served, served

TEA = {"name": "Green tea 100 g", "unit_mass_g": 120}
PLACE = "A1-L-01-01-1"


@pytest.fixture
def site(database_url: str) -> Iterator[Served]:
    with served(database_url) as one:
        yield one


@pytest.fixture
def stocked(site: Served) -> Iterator[httpx.Client]:
    """A caller of a site with 40 teas in one load unit and an empty beside it."""
    with site.client() as client:
        ok(client.put("/api/v1/skus/TEA", json=TEA))
        ok(client.post("/api/v1/opening-stock", json={"load_units": [tote(1, PLACE, 40), tote(2, "A2-L-01-01-1", 0)]}))
        yield client


def tote(number: int, place: str, quantity: int) -> dict[str, Any]:
    contents = [{"sku": "TEA", "lot": "L1", "quantity": quantity}] if quantity else []
    role = "stock" if quantity else "empty"
    return {
        "barcode": f"T{number}", "load_type": 1, "place": place, "role": role, "mass_g": 3000, "height_mm": 300,
        "contents": contents, "load_unit": number,
    }  # fmt: skip


def ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int, field: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["field"] == field, problem
    return str(problem["detail"])


def an_order(number: str = "SO-1", **line: object) -> dict[str, Any]:
    return {"number": number, "lines": [{"sku": "TEA", "quantity": 4, **line}]}


def test_an_order_is_placed_reserved_and_read_with_what_it_waits_for(stocked: httpx.Client) -> None:
    made = ok(stocked.post("/api/v1/orders", json=an_order()), 201)
    assert made["order"]["state"] == "placed"
    assert made["order"]["waits_for"]
    assert [(r["load_unit"], r["quantity"]) for r in made["reservations"]] == [(1, 4)]
    assert ok(stocked.get("/api/v1/orders/SO-1")) == made
    assert [o["number"] for o in ok(stocked.get("/api/v1/orders?open=true"))["items"]] == ["SO-1"]
    stock = ok(stocked.get("/api/v1/stock?sku=TEA"))["items"]
    assert [(s["place"], s["quantity"], s["reserved"]) for s in stock] == [(PLACE, 40, 4)]


def test_the_same_order_again_is_the_same_order(stocked: httpx.Client) -> None:
    headers = {"Idempotency-Key": "k-1"}
    ok(stocked.post("/api/v1/orders", json=an_order(), headers=headers), 201)
    ok(stocked.post("/api/v1/orders", json=an_order(), headers=headers), 200)
    assert len(ok(stocked.get("/api/v1/orders"))["items"]) == 1
    assert ok(stocked.get("/api/v1/stock?sku=TEA"))["items"][0]["reserved"] == 4


def test_an_order_without_number_is_known_by_its_key(stocked: httpx.Client) -> None:
    body = {"lines": [{"sku": "TEA", "quantity": 4}]}
    headers = {"Idempotency-Key": "k-2"}
    first = ok(stocked.post("/api/v1/orders", json=body, headers=headers), 201)
    again = ok(stocked.post("/api/v1/orders", json=body, headers=headers), 200)
    assert again["order"]["number"] == first["order"]["number"]
    refused(stocked.post("/api/v1/orders", json=body), 400, "number")


def test_one_key_for_two_orders_is_refused(stocked: httpx.Client) -> None:
    headers = {"Idempotency-Key": "k-3"}
    ok(stocked.post("/api/v1/orders", json=an_order(), headers=headers), 201)
    refused(stocked.post("/api/v1/orders", json=an_order("SO-2"), headers=headers), 422, "Idempotency-Key")


BAD_ORDERS = [
    pytest.param(an_order(sku="COFFEE"), "lines[0].sku", id="unknown SKU"),
    pytest.param(an_order(quantity=0), "lines[0].quantity", id="zero"),
    pytest.param(an_order(quantity=-3), "lines[0].quantity", id="negative"),
    pytest.param(an_order(quantity=10**12), "lines[0].quantity", id="absurd"),
    pytest.param(an_order(quantity="4"), "lines[0].quantity", id="text"),
    pytest.param(an_order(quantity=1.5), "lines[0].quantity", id="a fraction"),
    pytest.param(an_order(colour="red"), "lines[0].colour", id="unknown field in a line"),
    pytest.param({**an_order(), "priority": 1}, "priority", id="unknown field"),
    pytest.param({"number": "SO-1", "lines": []}, "lines", id="no lines"),
    pytest.param({"number": "SO-1"}, "lines", id="no field lines"),
    pytest.param(an_order("N" * 65), "number", id="a number too long"),
    pytest.param(an_order("SO\x001"), "number", id="a control character"),
    pytest.param(an_order(".."), "number", id="a way up"),
    pytest.param(an_order("."), "number", id="no way"),
    pytest.param(an_order("A/1"), "number", id="a way down"),
    pytest.param(an_order("  \u3000"), "number", id="blanks"),
    pytest.param(an_order("SO\u202e1"), "number", id="a turn of direction"),
    pytest.param(an_order("SO\u200b1"), "number", id="a character without width"),
    pytest.param(an_order("SO\u20281"), "number", id="an end of line"),
    pytest.param(an_order("SO\x851"), "number", id="a control character beyond ASCII"),
    pytest.param([1], "body", id="not an object"),
]


@pytest.fixture(scope="module")
def unstocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One site for all that is refused: nothing of it is stored."""
    with served(f"sqlite:///{tmp_path_factory.mktemp('refused') / 'wcs.db'}") as one:
        yield one


@pytest.mark.parametrize(("body", "field"), BAD_ORDERS)
def test_a_bad_order_is_refused_by_field_and_nothing_is_stored(body: Any, field: str, unstocked: Served) -> None:
    with unstocked.client() as client:
        ok(client.put("/api/v1/skus/TEA", json=TEA))
        refused(client.post("/api/v1/orders", json=body), 422, field)
        assert ok(client.get("/api/v1/orders"))["items"] == []
        assert len(unstocked.site.view.line) == len(unstocked.site.view.reservation) == 0


@pytest.mark.parametrize("number", ["...", "订单 1", "Größe 4.5", "[red]A?b#c%2e"])
def test_an_order_is_read_and_cancelled_by_whatever_its_number_may_be(number: str, stocked: httpx.Client) -> None:
    ok(stocked.post("/api/v1/orders", json=an_order(number)), 201)
    path = f"/api/v1/orders/{quote(number, safe='')}"
    assert ok(stocked.get(path))["order"]["number"] == number
    assert ok(stocked.post(f"{path}/cancel"))["order"]["number"] == number


def test_a_number_taken_by_other_content_is_a_conflict(stocked: httpx.Client) -> None:
    ok(stocked.post("/api/v1/orders", json=an_order()), 201)
    refused(stocked.post("/api/v1/orders", json=an_order(quantity=5)), 409, "number")
    assert ok(stocked.get("/api/v1/orders/SO-1"))["lines"][0]["quantity"] == 4


@pytest.mark.parametrize(
    "content",
    [b'{"number": ', b"\xff\xfe", b'{"number": "\xe4"}', b"[" * 200_000],
    ids=["half", "no text", "not UTF-8", "deep"],
)
def test_malformed_json_is_refused(content: bytes, unstocked: Served) -> None:
    headers = {"Content-Type": "application/json"}
    with unstocked.client() as client:
        refused(client.post("/api/v1/orders", content=content, headers=headers), 400, "body")


def test_a_body_over_a_megabyte_is_refused_with_and_without_its_length(stocked: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    body = b'{"number": "' + b"N" * 1_000_001 + b'"}'
    refused(stocked.post("/api/v1/orders", content=body, headers=headers), 413, "body")
    chunks = (body[n : n + 65_536] for n in range(0, len(body), 65_536))
    refused(stocked.post("/api/v1/orders", content=chunks, headers=headers), 413, "body")


def test_what_the_path_names_and_is_not_there_is_not_found(stocked: httpx.Client) -> None:
    for path, field in (
        ("orders/NONE", "number"), ("skus/NONE", "sku"), ("load-units/99", "load_unit"), ("devices/CR9", "device"),
        ("deliveries/NONE", "number"), ("stations/ST9/work", "station"), ("places/A1-L-99-01-1", "place"),
        ("alarms/9", "number"), ("tasks/9", "number"), ("transport-orders/9", "number"), ("lots/TEA/L9", "lot"),
        ("docks/D9/departures", "dock"),
    ):  # fmt: skip
        refused(stocked.get(f"/api/v1/{path}"), 404, field)
    refused(stocked.post("/api/v1/orders/NONE/cancel"), 404, "number")
    refused(stocked.post("/api/v1/picks/9/confirm", json={"sku": "TEA", "quantity": 1}), 404, "number")


def test_a_cancelled_order_gives_its_stock_free(stocked: httpx.Client) -> None:
    ok(stocked.post("/api/v1/orders", json=an_order()), 201)
    assert ok(stocked.post("/api/v1/orders/SO-1/cancel"))["order"]["cancelled"]
    assert ok(stocked.get("/api/v1/stock?sku=TEA"))["items"][0]["reserved"] == 0


def test_a_delivery_is_announced_and_received_at_a_dock(stocked: httpx.Client) -> None:
    line = {"barcode": "T7", "sku": "TEA", "lot": "L2", "quantity": 12, "expiry_ms": 9_000_000_000_000}
    ok(stocked.post("/api/v1/deliveries", json={"number": "DN-1", "lines": [line]}))
    expected = ok(stocked.get("/api/v1/delivery-lines?received=false"))["items"]
    assert [e["barcode"] for e in expected] == ["T7"]
    arrival = {
        "delivery": "DN-1", "barcode": "T7", "place": "D1.IN1", "quantity": 12, "load_type": 1, "mass_g": 4000,
        "height_mm": 300, "load_unit": 7,
    }  # fmt: skip
    refused(stocked.post("/api/v1/arrivals", json={**arrival, "place": "D1.OUT1"}), 422, "place")
    unknown = {"number": "DN-2", "lines": [{**line, "sku": "NO"}]}
    refused(stocked.post("/api/v1/deliveries", json=unknown), 422, "lines[0].sku")
    other = {"number": "DN-1", "lines": [{**line, "quantity": 13}]}
    refused(stocked.post("/api/v1/deliveries", json=other), 409, "number")


def test_a_location_and_an_aisle_are_blocked_with_who_and_why(stocked: httpx.Client) -> None:
    for place in ("A1", "A1-L-02-01-1", "N1"):
        ok(stocked.put(f"/api/v1/places/{place}/block", json={"reason": "bent beam"}))
        block = ok(stocked.get(f"/api/v1/places/{place}"))["block"] if place != "A1" else None
        assert block is None or (block["actor"], block["reason"]) == ("tester", "bent beam")
    assert len(ok(stocked.get("/api/v1/blocks"))["items"]) == 3
    assert ok(stocked.get("/api/v1/aisles"))[0]["block"]["actor"] == "tester"
    ok(stocked.delete("/api/v1/places/A1/block"))
    assert len(ok(stocked.get("/api/v1/blocks"))["items"]) == 2


def test_a_rack_is_blocked_for_put_away_or_retrieval_alone_and_nothing_else_is(stocked: httpx.Client) -> None:
    url = "/api/v1/places/A2-L-01-01-1/block"
    for flow in ("in", "out"):
        ok(stocked.put(url, json={"reason": "inventory", "flow": flow}))
        assert ok(stocked.get("/api/v1/places/A2-L-01-01-1"))["block"]["flow"] == flow
    ok(stocked.put(url, json={"reason": "recount", "flow": "out"}))
    assert ok(stocked.get("/api/v1/places/A2-L-01-01-1"))["block"]["reason"] == "recount"
    assert refused(stocked.put(url, json={"reason": " "}), 422, "reason")
    assert refused(stocked.put(url, json={"reason": "inventory", "flow": "sideways"}), 422, "flow")
    assert refused(stocked.put("/api/v1/places/ST1/block", json={"reason": "inventory", "flow": "in"}), 422, "flow")
    ok(stocked.delete(url))


def test_a_hold_on_a_lot_voids_what_was_promised_of_it(stocked: httpx.Client) -> None:
    ok(stocked.post("/api/v1/orders", json=an_order()), 201)
    ok(stocked.put("/api/v1/lots/TEA/L1/hold", json={"reason": "recall"}))
    held = ok(stocked.get("/api/v1/stock?load_unit=1"))["items"][0]
    assert (held["reserved"], held["hold"]) == (0, "recall")
    order = ok(stocked.get("/api/v1/orders/SO-1"))
    assert (order["reservations"], order["lines"][0]["backordered"]) == ([], 4)
    ok(stocked.delete("/api/v1/lots/TEA/L1/hold"))
    assert ok(stocked.get("/api/v1/lots/TEA/L1"))["hold"] == ""


def test_a_count_posts_the_difference_and_a_move_by_hand_needs_a_reason(stocked: httpx.Client) -> None:
    ok(stocked.post("/api/v1/load-units/1/counts", json={"sku": "TEA", "lot": "L1", "quantity": 39}))
    assert ok(stocked.get("/api/v1/stock-by-sku"))["items"][0]["quantity"] == 39
    refused(stocked.post("/api/v1/load-units/1/placed", json={"place": "A1-L-03-01-1"}), 422, "reason")
    ok(stocked.post("/api/v1/load-units/1/placed", json={"place": "A1-L-03-01-1", "reason": "found there"}))
    assert ok(stocked.get("/api/v1/load-units/1"))["load_unit"]["place"] == "A1-L-03-01-1"


def test_a_device_goes_out_of_service_and_a_lost_one_takes_no_act(stocked: httpx.Client) -> None:
    assert ok(stocked.put("/api/v1/devices/CR1/service", json={"in_service": False}))["out_of_service_by"] == "tester"
    assert ok(stocked.put("/api/v1/devices/CR1/service", json={"in_service": True}))["in_service"]
    refused(stocked.post("/api/v1/devices/CR1/acts", json={"act": "resume"}), 422, "device")
    refused(stocked.post("/api/v1/devices/CR1/acts", json={"act": "explode"}), 422, "act")


def test_lists_come_in_parts(stocked: httpx.Client) -> None:
    first = ok(stocked.get("/api/v1/load-units?limit=1"))
    second = ok(stocked.get(f"/api/v1/load-units?limit=1&offset={first['next_offset']}"))
    assert [u["load_unit"] for u in first["items"] + second["items"]] == [1, 2]
    assert second["next_offset"] is None
    refused(stocked.get("/api/v1/load-units?limit=501"), 422, "limit")
