"""`wcs demo` as its users start it, on the tiny plant."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.demo_figures import Books
from tests.real.clock import wait_until

pytestmark = pytest.mark.timeout(240)


def command(data: Path, *arguments: str) -> list[str]:
    demo = [sys.executable, "-m", "api.cli", "demo", "--data", str(data), "--plant", "tiny", "--speed", "30"]
    return [*demo, "--no-browser", "--json", *arguments]


def run_demo(data: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, closing document and what was said, of one whole run."""
    done = subprocess.run(command(data, "--exit", *arguments), capture_output=True, text=True, timeout=200)
    lines = done.stdout.splitlines()
    return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr


def test_a_demo_ships_its_orders_and_a_second_run_places_only_what_is_missing(tmp_path: Path) -> None:
    code, document, said = run_demo(tmp_path, "--orders", "3")
    assert code == 0, said
    orders = document["orders"]
    assert orders["placed"] == 3 == orders["shipped"] + orders["backordered"]
    assert set(document) == {"orders", "lines", "moves", "postings", "commands", "order_time_s", "audit"}
    assert set(document["order_time_s"]) == {"p50", "p95"}
    assert document["commands"]["opcua"] > 0
    assert document["commands"]["modbus"] > 0
    assert document["audit"]["ok"]
    assert document["audit"]["checks"]["paper_equals_world"]
    assert document["audit"]["checks"]["paper_equals_devices"]
    books = Books(f"sqlite:///{tmp_path / 'wcs.db'}")
    assert books.latest_delivery() == 1, "three orders take less than a load unit holds: only the first is brought"
    books.close()

    code, second, said = run_demo(tmp_path, "--orders", "4")
    assert code == 0, said
    assert second["orders"]["placed"] == 4
    assert second["moves"] > document["moves"]


def test_an_orders_file_brings_its_own_articles(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id,sku,quantity\nA1,NEW-1,2\nA1,NEW-2,1\nA2,NEW-1,9999\n")
    code, document, said = run_demo(tmp_path / "data", "--orders-file", str(file))
    assert code == 0, said
    assert document["orders"] == {"placed": 2, "shipped": 1, "backordered": 1}
    assert document["lines"] == 3
    assert "given opening stock: NEW-1, NEW-2" in said


@pytest.mark.parametrize(("options", "code"), [(["--exit"], 130), ([], 0)], ids=["with exit", "endless"])
def test_an_interrupted_demo_says_by_its_code_whether_work_is_left_and_accuses_nobody(
    options: list[str], code: int, tmp_path: Path
) -> None:
    with subprocess.Popen(
        command(tmp_path, "--orders", "40", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        database = tmp_path / "wcs.db"
        wait_until(lambda: database.exists() and (tmp_path / "tokens.json").exists(), "the site serves", 60)
        books = Books(f"sqlite:///{database}")
        wait_until(lambda: books.orders().placed > 1 and books.under_way() > 1, "loads are under way", 60)
        books.close()
        demo.send_signal(signal.SIGINT)
        shown, said = demo.communicate(timeout=60)
    assert demo.returncode == code, said
    document = json.loads(shown.splitlines()[-1])
    assert document["orders"]["placed"] > document["orders"]["shipped"] + document["orders"]["backordered"]
    assert document["audit"]["ok"], said
    assert all(document["audit"]["checks"].values())
    assert document["audit"]["checks"]["fold_equals_tables"]
