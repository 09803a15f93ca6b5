"""A delivery that somebody else announces to a running demo, with labels that are not the demo's own."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from api.demo import Demo, DemoOptions
from tests.real.clock import wait_until

pytestmark = pytest.mark.timeout(240)
WAIT_S = 90.0


def test_a_delivery_with_foreign_labels_is_brought_in_and_the_rest_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = DemoOptions(plant="tiny", data=tmp_path, speed=20.0, orders=3)
    said: list[str] = []
    with Demo(options, said.append) as demo, httpx.Client(base_url=demo.ready.address, trust_env=False) as client:
        working = threading.Thread(target=demo.run, args=(lambda _: None,), daemon=True)
        working.start()
        wait_until(lambda: demo.books.orders().placed > 0, "orders are coming", WAIT_S)
        tokens = msgspec.json.decode((tmp_path / "tokens.json").read_bytes(), type=dict[str, str])
        headers = {"Authorization": f"Bearer {tokens['supplier']}"}

        def announce(number: str, *barcodes: str) -> None:
            lines = [{"barcode": b, "sku": "S0001", "lot": number, "quantity": 5} for b in barcodes]
            answer = client.post("/api/v1/deliveries", json={"number": number, "lines": lines}, headers=headers)
            assert answer.status_code == 200, answer.text

        def waiting() -> set[str]:
            rows: Any = client.get("/api/v1/delivery-lines", params={"received": False}, headers=headers).json()
            return {row["barcode"] for row in rows["items"]}

        announce("D", "XB1", "T000001", "车1", "T7", "X" * 64)
        announce("E", "T800001")
        wait_until(lambda: not waiting() & {"XB1", "T7", "X" * 64, "T800001"}, "they have come", WAIT_S)
        assert waiting() >= {"T000001", "车1"}, "one is in the building already, the other's label no scanner reads"
        demo.stopping.set()
        working.join(WAIT_S)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
