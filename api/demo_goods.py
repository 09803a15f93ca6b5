"""What the demo's shops want and its suppliers bring, through the API: articles, opening stock, orders, deliveries.

Rule: everything may be said twice. What the world already holds and what the books already know is not done again, so
a demo that was killed half-way goes on where it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from api.orders_file import Basket, OrdersFileError
from devices.machines.machine import Load
from devices.virtual_plc.testport import TestPort
from simulation.workload import Workload
from wcs.core.entities import DeliveryLine, LoadUnitRole, Sku
from wcs.core.events import OpeningLoadUnit, StockQuantity
from wcs.plant.model import Plant

CHUNK = 500  # load units a request: what the API takes
EXTRA_FIRST = 300_000  # numbers of load units opened for the articles of an orders file
EXTRA_LOADS, EXTRA_QUANTITY = 2, 40  # of an article that is new: over two aisles
RETRY_S = 0.2
RETRY_S_MAX = 3_600.0  # a full disk waits for a person; a site that is killed is back long before


class GoodsRefused(Exception):
    """The site refused for good what shop, supplier or keeper said."""


class Goods:
    """Speaks to the site as shop, supplier and stock keeper; `watch` is called while the site does not answer."""

    def __init__(
        self, address: str, tokens: dict[str, str], stopped: threading.Event, watch: Callable[[], None]
    ) -> None:
        self._watch = watch
        self._client = httpx.Client(base_url=address + "/api/v1", timeout=20, trust_env=False)
        self._tokens = tokens
        self._stopped = stopped

    def close(self) -> None:
        self._client.close()

    def define(self, skus: list[Sku]) -> None:
        """Articles; those that are known already just stay."""
        known = {row["sku"] for row in self._all("/skus")}
        for sku in skus:
            if sku.sku not in known:
                body = msgspec.to_builtins(sku)
                del body["sku"]
                self._say("keeper", "PUT", f"/skus/{quote(sku.sku, safe='')}", body)

    def open_stock(self, units: list[OpeningLoadUnit], world: TestPort) -> None:
        """Put load units into world and books alike; nothing that is there already is put there again."""
        there = world.dump()
        world.place_all([(_load(u), u.place) for u in units if u.load_unit not in there], by="opening stock")
        known = {row["barcode"] for row in self._all("/load-units")}
        missing = [u for u in units if u.barcode not in known]
        for first in range(0, len(missing), CHUNK):
            body = {"load_units": [msgspec.to_builtins(unit) for unit in missing[first : first + CHUNK]]}
            self._say("keeper", "POST", "/opening-stock", body)

    def order(self, basket: Basket) -> None:
        """Place an order; the same again changes nothing."""
        body: dict[str, Any] = {"number": basket.number, "lines": [msgspec.to_builtins(line) for line in basket.lines]}
        if basket.due_ms is not None:
            body["due_ms"] = basket.due_ms
        self._say("shop", "POST", "/orders", body)

    def announce(self, number: str, lines: list[dict[str, object]]) -> None:
        """Announce a delivery; the same again changes nothing."""
        self._say("supplier", "POST", "/deliveries", {"number": number, "lines": lines})

    def open_new_articles(self, names: list[str], plant: Plant, workload: Workload, world: TestPort) -> list[str]:
        """Articles of an orders file that nobody knows yet: define them, with opening stock in free locations.

        Returns those that were new, so that a misspelt one is seen.
        """
        known = {row["sku"] for row in self._all("/skus")}
        new = [name for name in names if name not in known]
        if not new:
            return []
        sinks = {row["sink"] for row in self._all("/transport-orders")}
        there = world.dump()
        taken = set(there.values()) | sinks
        free = [p for n in range(workload.locations.count) if (p := workload.locations.name(n)) not in taken]
        step = max(1, len(free) // (EXTRA_LOADS * len(new) + 1))
        places = free[::step]
        if len(places) < EXTRA_LOADS * len(new):
            raise OrdersFileError(f"{len(new)} new articles need {EXTRA_LOADS} free locations each")
        first = max([EXTRA_FIRST, *(n for n in there if EXTRA_FIRST <= n < EXTRA_FIRST + 100_000)]) + 1
        units = []
        for n in range(EXTRA_LOADS * len(new)):
            name = new[n % len(new)]
            stock = StockQuantity(sku=name, lot=f"X{first + n}", quantity=EXTRA_QUANTITY)
            units.append(_unit(plant, first + n, places[n], stock))
        self.define([Sku(sku=name, name=name) for name in new])
        self.open_stock(units, world)
        return new

    def _all(self, path: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        offset: int | None = 0
        while offset is not None:
            body = self._say("keeper", "GET", f"{path}?limit=500&offset={offset}", None)
            rows += body["items"]
            offset = body["next_offset"]
        return rows

    def _say(self, actor: str, method: str, path: str, body: object) -> Any:
        """Say it until it is taken in; what is refused for good is our own mistake and ends the demo."""
        deadline = time.monotonic() + RETRY_S_MAX
        headers = {"Authorization": f"Bearer {self._tokens[actor]}"}
        while True:
            answer = self._try(method, path, body, headers)
            if answer is not None:
                break
            if self._stopped.wait(RETRY_S):
                raise Stopped
            self._watch()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the site does not answer: {method} {path}")
        if answer.status_code >= 400:
            raise GoodsRefused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def _try(self, method: str, path: str, body: object, headers: dict[str, str]) -> httpx.Response | None:
        """One try; None: the site is away."""
        try:
            answer = self._client.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            return None
        return answer if answer.status_code < 500 else None


class Stopped(Exception):
    """The demo is being stopped."""


def _load(unit: OpeningLoadUnit) -> Load:
    return Load(
        number=unit.load_unit,
        barcode=unit.barcode,
        load_type=unit.load_type,
        mass_g=unit.mass_g,
        height_mm=unit.height_mm,
    )


def _unit(plant: Plant, number: int, place: str, stock: StockQuantity) -> OpeningLoadUnit:
    load_type = plant.load_types[0]
    return OpeningLoadUnit(
        barcode=f"T{number:06d}",
        load_type=load_type.number,
        place=place,
        role=LoadUnitRole.STOCK,
        mass_g=min(load_type.mass_max_g, load_type.mass_empty_g + stock.quantity * 200),
        height_mm=load_type.height_max_mm,
        contents=(stock,),
        load_unit=number,
    )


def delivery_bodies(lines: Iterable[DeliveryLine]) -> list[dict[str, object]]:
    """Announced lines as the API takes them."""
    return [
        {
            "barcode": line.barcode,
            "sku": line.sku,
            "lot": line.lot,
            "quantity": line.quantity,
            "expiry_ms": line.expiry_ms,
        }
        for line in lines
    ]


def generated(workload: Workload, known: set[str]) -> Callable[[], Basket]:
    """The workload's orders one after the other, from the first that was not placed yet."""
    n = 0

    def draw() -> Basket:
        nonlocal n
        while True:
            n += 1
            number, lines = workload.order(n)
            if number not in known:
                return Basket(number=number, lines=lines)

    return draw
