"""A hundred clients who all do the same at once: it is done once, the others are told why not, nobody meets a 5xx."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api.demo import Demo, DemoOptions
from tests.real.clock import wait_until

pytestmark = pytest.mark.timeout(300)
CLIENTS = 100
ORDERS = 10
PICKS = 5
WAIT_S = 120.0
ANSWER_S = 60.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One running demo for all races; at the end every order has ended and the audit holds."""
    options = DemoOptions(plant="tiny", data=tmp_path_factory.mktemp("races"), speed=20.0, orders=ORDERS, exit=True)
    said: list[str] = []
    with Demo(options, said.append) as running:
        working = threading.Thread(target=running.run, args=(lambda _: None,), daemon=True)
        working.start()
        wait_until(lambda: running.books.orders().placed > 0, "orders are coming", WAIT_S)
        yield running
        working.join(WAIT_S)
        assert not working.is_alive(), said
        assert running.settle(), said
        report = running.prove()
        assert report.ok, {name: check.detail for name, check in report.checks.items() if not check.ok}


class Crowd:
    """All the clients of one token."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str) -> Any:
        answer = await self._client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def all_say(self, path: str, bodies: list[object], **headers: str) -> list[httpx.Response]:
        """Each client says its own at once; every "no" is a problem document that names what is wrong."""
        posts = (self._client.post(f"/api/v1{path}", json=body, headers=headers) for body in bodies)
        answers = await asyncio.gather(*posts)
        for answer in answers:
            assert answer.status_code < 500, answer.text
            if answer.status_code >= 400:
                problem = answer.json()
                assert answer.headers["content-type"] == "application/problem+json"
                assert problem["field"], problem
                assert problem["detail"], problem
        return answers


@asynccontextmanager
async def crowd(demo: Demo) -> AsyncIterator[Crowd]:
    words = json.loads((demo.options.data / "tokens.json").read_bytes())["keeper"]
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(
        base_url=demo.ready.address, headers={"Authorization": f"Bearer {words}"}, limits=limits, timeout=ANSWER_S,
        trust_env=False,
    ) as client:  # fmt: skip
        yield Crowd(client)


def an_order(number: str, quantity: int = 1) -> dict[str, object]:
    return {"number": number, "lines": [{"sku": "S0001", "quantity": quantity}]}


def codes(answers: list[httpx.Response]) -> set[int]:
    return {answer.status_code for answer in answers}


def test_an_order_that_all_place_is_placed_once_and_withdrawn_once(demo: Demo) -> None:
    async def race() -> None:
        async with crowd(demo) as they:
            placed = await they.all_say("/orders", [an_order("RACE-1")] * CLIENTS)
            assert codes(placed) <= {200, 201}
            assert [answer.status_code for answer in placed].count(201) == 1
            assert len((await they.get("/orders/RACE-1"))["lines"]) == 1
            withdrawn = await they.all_say("/orders/RACE-1/cancel", [None] * CLIENTS)
            assert codes(withdrawn) == {200}
            other = await they.all_say("/orders", [an_order("RACE-1", 2)] * CLIENTS)
            assert codes(other) == {409}

    asyncio.run(race())


def test_one_idempotency_key_for_different_orders_places_one_of_them(demo: Demo) -> None:
    async def race() -> None:
        async with crowd(demo) as they:
            bodies: list[object] = [an_order(f"KEY-{n}") for n in range(CLIENTS)]
            answers = await they.all_say("/orders", bodies, **{"Idempotency-Key": "the same for all"})
            placed = [answer.json()["order"]["number"] for answer in answers if answer.status_code == 201]
            assert len(placed) == 1, codes(answers)
            assert codes(answers) <= {201, 409, 422}
            known = {order["number"] for order in (await they.get("/orders?limit=500"))["items"]}
            assert {number for number in known if number.startswith("KEY-")} == set(placed)
            await they.all_say(f"/orders/{placed[0]}/cancel", [None])

    asyncio.run(race())


def test_a_pick_that_all_confirm_is_booked_once_and_a_wrong_one_never(demo: Demo) -> None:
    async def race() -> None:
        async with crowd(demo) as they:
            raced: set[int] = set()
            while len(raced) < PICKS:
                if demo.books.orders().ended >= ORDERS:
                    break
                for pick in (await they.get("/stations/ST1/work"))["picks"]:
                    path, right = f"/picks/{pick['number']}/confirm", {"sku": pick["sku"], "quantity": pick["quantity"]}
                    wrong = [{**right, "sku": "S-OTHER"}, {**right, "quantity": pick["quantity"] + 1}]
                    answers = await they.all_say(path, [*wrong * 10, *[right] * (CLIENTS - 20)])
                    booked = [n for n, answer in enumerate(answers) if answer.status_code == 200]
                    assert len(booked) <= 1, f"booked {len(booked)} times"
                    assert all(n >= 20 for n in booked), "a wrong confirmation was booked"
                    assert codes(answers) <= {200, 404, 422}
                    raced.add(pick["number"])
                await asyncio.sleep(0)
            assert raced, "nothing was ever to be picked"

    asyncio.run(race())


def test_a_delivery_that_all_announce_is_expected_once(demo: Demo) -> None:
    line = {"barcode": "T650001", "sku": "S0001", "lot": "RACE", "quantity": 5}
    more = {**line, "barcode": "T650002"}

    async def race() -> None:
        async with crowd(demo) as they:
            answers = await they.all_say("/deliveries", [{"number": "RACE-D", "lines": [line]}] * CLIENTS)
            assert codes(answers) == {200}
            answers = await they.all_say("/deliveries", [{"number": "RACE-D", "lines": [line, more]}] * CLIENTS)
            assert codes(answers) == {409}
            assert len((await they.get("/deliveries/RACE-D"))["lines"]) == 1

    asyncio.run(race())
