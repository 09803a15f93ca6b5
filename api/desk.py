"""The desk of the modelled people over HTTP: they see and say what any other client of the API could.

Rule: a refusal is `Refused`, whatever its status; a site that does not answer is asked again by whoever steps next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from devices.machines.machine import Load
from simulation.people import Refused
from wcs.core.entities import Alarm, DeliveryLine, LoadUnit, Reservation
from wcs.core.stations import StationWork

TIMEOUT_S = 10.0  # a commit that takes longer is a host condition, and the people wait and see
ROWS_MAX = 200  # announced lines or alarms in an answer: more than people can settle in a while


class DeskAway(Exception):
    """The site does not answer now (it restarts, or cannot commit): try again later."""


class HttpDesk:
    """`simulation.people.Desk` over the API of a running site.

    Args:
        address: "http://127.0.0.1:8080".
        token: with the scope `operate`.
        client: instead of one of its own.
    """

    def __init__(self, address: str, token: str, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(base_url=address, timeout=TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {token}"}

    def close(self) -> None:
        self._client.close()

    def station_work(self, station: str) -> StationWork:
        body = self._get(f"/stations/{quote(station, safe='')}/work")
        return StationWork(
            takes=tuple((take["load_unit"], take["place"]) for take in body["takes"]),
            picks=msgspec.convert(body["picks"], tuple[Reservation, ...]),
            puts=tuple(body["puts"]),
        )

    def load_unit(self, number: int) -> LoadUnit | None:
        answer = self._ask("GET", f"/load-units/{number}")
        return None if answer.status_code == 404 else msgspec.convert(self._body(answer)["load_unit"], LoadUnit)

    def find_barcode(self, barcode: str) -> LoadUnit | None:
        found = self._get("/load-units", barcode=barcode)["items"]
        return msgspec.convert(found[0], LoadUnit) if found else None

    def departures(self, dock: str) -> list[LoadUnit]:
        return msgspec.convert(self._get(f"/docks/{quote(dock, safe='')}/departures"), list[LoadUnit])

    def expected(self) -> Iterator[DeliveryLine]:
        """Page by page: whoever finds a line that can be brought asks for no more."""
        offset: int | None = 0
        while offset is not None:
            body = self._get("/delivery-lines", received=False, limit=ROWS_MAX, offset=offset)
            yield from msgspec.convert(body["items"], list[DeliveryLine])
            offset = body["next_offset"]

    def alarms(self) -> list[Alarm]:
        return msgspec.convert(self._get("/alarms", limit=ROWS_MAX)["items"], list[Alarm])

    def task_places(self, task: int) -> tuple[str, str, str]:
        row = self._get(f"/tasks/{task}")
        return row["device"], row["source"], row["sink"]

    def confirm_pick(self, reservation: int, sku: str, quantity: int) -> None:
        self._post(f"/picks/{reservation}/confirm", {"sku": sku, "quantity": quantity})

    def placed(self, load_unit: int, place: str, reason: str = "") -> None:
        self._post(f"/load-units/{load_unit}/placed", {"place": place, "reason": reason})

    def arrived(self, line: DeliveryLine | None, load: Load, place: str) -> None:
        self._post(
            "/arrivals",
            {
                "delivery": line.delivery if line else None,
                "barcode": load.barcode,
                "place": place,
                "quantity": line.quantity if line else 0,
                "load_type": load.load_type,
                "mass_g": load.mass_g,
                "height_mm": load.height_mm,
                "load_unit": load.number,
            },
        )

    def departed(self, load_unit: int) -> None:
        self._post(f"/load-units/{load_unit}/departed", None)

    def answer(self, alarm: int, answer: str) -> None:
        self._post(f"/alarms/{alarm}/answer", {"answer": answer})

    def _get(self, path: str, **query: str | int | bool) -> Any:
        return self._body(self._ask("GET", path, query=query))

    def _post(self, path: str, body: dict[str, object] | None) -> None:
        self._body(self._ask("POST", path, body=body))

    def _ask(
        self, method: str, path: str, *, query: dict[str, Any] | None = None, body: dict[str, object] | None = None
    ) -> httpx.Response:
        try:
            return self._client.request(method, f"/api/v1{path}", params=query, json=body, headers=self._headers)
        except httpx.TransportError as error:
            raise DeskAway(f"{method} {path}: {error}") from error

    def _body(self, answer: httpx.Response) -> Any:
        if answer.status_code >= 500:
            raise DeskAway(f"{answer.status_code} {answer.text[:200]}")
        if answer.status_code >= 400:
            problem = answer.json()
            raise Refused(f"{problem.get('field', '')}: {problem.get('detail', '')}")
        return answer.json()
