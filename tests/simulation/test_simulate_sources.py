"""`wcs simulate` with real orders and with a site: files and ledgers are read, and refused with file and line."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from api.cli import app
from simulation.latency import fit_latency
from simulation.shops import add_shops
from simulation.spec import WorkloadSpec
from simulation.staff import add_people
from simulation.twin import Twin
from simulation.workload import Workload
from tests.ledger.conftest import keep_books
from wcs.core import events as v
from wcs.ledger.database import engine_for
from wcs.ledger.snapshot import read_snapshot
from wcs.ledger.tables import command_delivery
from wcs.plant.file import load_plant

TINY = load_plant("tiny")
MINUTES = 25
SHORT = ("--plant", "tiny", "--hours", "0.3", "--replications", "1")


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments])


def document(*arguments: str) -> dict[str, float]:
    result = simulate(*SHORT, *arguments, "--json")
    assert result.exit_code == 0, result.output
    made: dict[str, float] = json.loads(result.stdout)
    return made


def busy_site(folder: Path, prefix: str = "SO") -> str:
    """A busy site's database, with orders that are numbered so."""
    twin = Twin(TINY, keep_journal=True)
    twin.start()
    work = Workload(TINY, 1, prefix=prefix)
    for sku in work.skus():
        twin.handle(v.SkuChanged(at_ms=0, actor="office", sku=sku))
    twin.open_stock(work.opening(0))
    add_people(twin)
    add_shops(twin, work, WorkloadSpec(orders_per_hour=40))
    twin.run_to(MINUTES * 60_000)
    url = f"sqlite:///{folder / 'wcs.db'}"
    keep_books(url, twin)
    return url


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> str:
    return busy_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def orders_csv(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def test_orders_of_a_file_come_at_their_moments(orders_csv: Path) -> None:
    orders_csv.write_text("order_id,sku,quantity,after_s\nA,S0001,2,0\nA,S0002,1,\nB,S0001,1,60.5\nC,S0003,1,90000\n")
    assert document("--orders-file", str(orders_csv))["orders_shipped"] == 2


def test_it_is_said_how_many_orders_come_after_the_end(orders_csv: Path) -> None:
    orders_csv.write_text("order_id,sku,quantity,after_s\nA,S0001,2,0\nB,S0001,1,90000\nC,S0003,1,90001\n")
    result = simulate(*SHORT, "--orders-file", str(orders_csv))
    assert result.exit_code == 0, result.output
    assert "2 of 3 orders come after the end of the run" in result.stderr


def test_moments_of_a_calendar_count_from_the_first(orders_csv: Path) -> None:
    rows = ("A,S0001,2,2026-03-01T08:00", "B,S0002,1,2026-03-01T08:02", "C,S0002,1,2026-03-02T08:00")
    orders_csv.write_text("\n".join(("order_id,sku,quantity,placed", *rows)))
    assert document("--orders-file", str(orders_csv))["orders_shipped"] == 2
    assert document("--orders-file", str(orders_csv), "--orders-times", "0.1")["orders_shipped"] == 1


def test_orders_without_moments_are_drawn_at_the_rate(orders_csv: Path) -> None:
    orders_csv.write_text("order_id,sku,quantity\n" + "".join(f"A{n},S0001,1\n" for n in range(100)))
    slow = document("--orders-file", str(orders_csv), "--orders-per-hour", "10")
    fast = document("--orders-file", str(orders_csv), "--orders-per-hour", "40")
    assert slow["orders_shipped"] < fast["orders_shipped"] < 30


def test_the_articles_of_the_asked_workload_are_those_that_a_file_may_name(orders_csv: Path) -> None:
    orders_csv.write_text("order_id,sku,quantity\nA,S0009,1\n")
    asked = (*SHORT, "--orders-file", str(orders_csv), "--workload")
    assert simulate(*asked, "sku_count=9").exit_code == 0
    assert "unknown SKU 'S0009'" in simulate(*asked, "sku_count=8").stderr


def test_new_skus_get_stock_if_that_is_asked_for(orders_csv: Path) -> None:
    orders_csv.write_text("order_id,sku,quantity,after_s\nA,GREEN-CUP,2,0\nB,S0001,1,5\n")
    assert document("--orders-file", str(orders_csv), "--new-skus")["orders_shipped"] == 2


def test_more_new_skus_than_fit_are_said_of_the_file_that_names_them(orders_csv: Path) -> None:
    orders_csv.write_text("order_id,sku,quantity\n" + "".join(f"O{n},NEW{n},1\n" for n in range(300)))
    refused = simulate(*SHORT, "--orders-file", str(orders_csv), "--new-skus")
    assert refused.exit_code == 2
    said = "300 SKUs of real orders beside the 6 of the workload do not fit: tiny holds opening stock on 60 locations"
    assert refused.stderr == f"{orders_csv}: --new-skus: {said}\n"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("order_id,sku,quantity\nA,S0001,1\nA,NOBODY,1\n", "line 3: unknown SKU 'NOBODY'"),
        ("order_id,sku,quantity,after_s\nA,S0001,1,-5\n", "line 2: after_s '-5'"),
        ("order_id,sku,quantity,after_s\nA,S0001,1,nan\n", "line 2: after_s 'nan'"),
        ("order_id,sku,quantity,placed\nA,S0001,1,yesterday\n", "line 2: placed 'yesterday'"),
        ("order_id,sku,quantity\nA,S0001,-1\n", "line 2: quantity"),
        ("order_id,sku,quantity\nA,S0001,many\n", "line 2: quantity"),
        ("order_id,sku,quantity\nA,S0001,1_0\n", "line 2: quantity '1_0' is not a whole number"),
        ("order_id,sku,quantity,after_s\nA,S0001,1,1_0\n", "line 2: after_s '1_0'"),
        ("order_id,sku\nA,S0001\n", "line 1: the column quantity"),
        ("order_id,sku,quantity,quantity\nA,S0001,1,2\n", "line 1: the column quantity is there twice"),
        ("order_id,sku,quantity,after_s\nA,S0001,1,5\nA,S0002,1,6\n", "line 3: another after_s of order A"),
        ("order_id,sku,quantity,after_s\nA,S0001,1,5\nB,S0001,1,\n", "order B has no after_s"),
        ("order_id,sku,quantity,after_s,placed\nA,S0001,1,5,2026-03-01\n", "line 1: placed and after_s"),
        (
            "order_id,sku,quantity,placed\nA,S0001,1,2026-03-01T08:00\nB,S0001,1,2026-03-01T08:01+02:00\n",
            "line 3: placed '2026-03-01T08:01+02:00': some times of this file have a zone",
        ),
        ("order_id,sku,quantity\n", "there are no orders"),
    ],
)
def test_a_bad_orders_file_is_refused_with_file_and_line(orders_csv: Path, content: str, word: str) -> None:
    orders_csv.write_text(content)
    result = simulate(*SHORT, "--orders-file", str(orders_csv))
    assert result.exit_code == 2
    assert f"{orders_csv}: " in result.stderr
    assert word in result.stderr
    assert result.stdout == ""


def test_a_site_is_the_beginning_of_a_run_at_its_own_rate(ledger: str) -> None:
    warm, doubled = document("--from", ledger), document("--from", ledger, "--orders-times", "2")
    assert warm["orders_shipped"] > 5
    assert doubled["orders_shipped"] > warm["orders_shipped"]
    assert doubled["orders_per_hour"] == 2 * warm["orders_per_hour"]
    said = simulate(*SHORT, "--from", ledger).stderr
    assert f"--from: {warm['orders_per_hour']:.1f} orders an hour, as they came there lately" in said


def test_what_if_questions_are_asked_of_a_site(ledger: str) -> None:
    as_it_is, closed, fleet = (
        document("--from", ledger, *more) for more in ((), ("--close", "A2"), ("--vehicles", "3"))
    )
    assert len({as_it_is["digest"], closed["digest"], fleet["digest"]}) == 3
    assert fleet["orders_shipped"] > 5


@pytest.mark.parametrize("spoil", ["DELETE FROM load_unit", "UPDATE load_unit SET place = 'nowhere'"])
def test_books_that_contradict_themselves_are_no_beginning(ledger: str, tmp_path: Path, spoil: str) -> None:
    file = tmp_path / "spoilt.db"
    shutil.copy(ledger.removeprefix("sqlite:///"), file)
    with sqlite3.connect(file) as database:
        database.execute(spoil)
    database.close()
    result = simulate(*SHORT, "--from", f"sqlite:///{file}")
    assert result.exit_code == 2
    assert "--from: its books contradict themselves" in result.stderr


def test_the_orders_of_a_site_are_replayed_on_an_empty_building_and_on_itself(ledger: str) -> None:
    assert document("--orders-from", ledger)["orders_shipped"] > 5
    assert document("--from", ledger, "--orders-from", ledger)["orders_shipped"] > 5


def test_a_site_may_number_its_orders_as_drawn_orders_are(tmp_path: Path) -> None:
    assert document("--from", busy_site(tmp_path, "TWIN"))["orders_shipped"] > 5


def test_a_site_may_number_its_orders_as_replayed_orders_are(ledger: str, tmp_path: Path) -> None:
    assert document("--from", busy_site(tmp_path, "R-SO"), "--orders-from", ledger)["orders_shipped"] > 5


def test_long_numbers_of_a_file_stay_apart_where_they_are_numbered_anew(ledger: str, orders_csv: Path) -> None:
    long = "N" * 62
    orders_csv.write_text(f"order_id,sku,quantity,after_s\n{long}01,S0001,1,0\n{long}02,S0001,2,60\n")
    assert document("--from", ledger, "--orders-file", str(orders_csv))["orders_shipped"] >= 2


def measured(url: str, trips_ms: list[int]) -> None:
    """Deliveries to a crane and to a conveyor, with these round trips."""
    engine = engine_for(url)
    with engine.begin() as connection:
        for n, trip_ms in enumerate(trips_ms):
            for device in ("CR1", "CV1"):
                sent_at_ms = 1_000_000 + 500 * n
                row = {"site_id": "main", "device": device, "sequence": 100_000 + n, "sent_at_ms": sent_at_ms}
                connection.execute(sa.insert(command_delivery).values(**row, acknowledged_at_ms=sent_at_ms + trip_ms))
    engine.dispose()


def test_latency_is_fitted_from_the_deliveries_of_a_site(ledger: str) -> None:
    measured(ledger, [80, 100, 120, 100] * 10)
    with read_snapshot(ledger) as connection:
        profiles = fit_latency(connection, TINY, "main")
    assert set(profiles) == {"opcua", "modbus"}
    profile = profiles["opcua"]
    assert profile.mean_ms == pytest.approx(50)
    assert (profile.low_ms, profile.high_ms) == (40, 60)
    assert profile.deviation_ms == pytest.approx(14.3 / 2**0.5, rel=0.02)
    assert document("--latency-from", ledger)["digest"] != document()["digest"]


@pytest.mark.parametrize("option", ["--from", "--orders-from", "--latency-from"])
def test_a_ledger_that_is_not_there_is_refused(tmp_path: Path, option: str) -> None:
    result = simulate(*SHORT, option, f"sqlite:///{tmp_path}/none.db")
    assert result.exit_code == 2
    assert "there is no ledger" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--close", "A9"), "A9 is no aisle"),
        (("--orders-times", "0"), "wanted a number above 0"),
        (("--from", "nonsense"), "--from: no address of a database"),
    ],
)
def test_other_impossible_questions_are_refused(arguments: tuple[str, ...], word: str) -> None:
    result = simulate(*SHORT, *arguments)
    assert result.exit_code == 2
    assert word in result.stderr
