"""`wcs audit` asks the building: what was not asked is never passed, and what contradicts the book is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from api.cli import app
from tests.real.people_at_work import people_at_work
from tests.real.plant_at_work import plant_at_work
from tests.real.stock import open_the_books

SPEED = 25.0
pytestmark = pytest.mark.timeout(120)


def audited(folder: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and document of `wcs audit --data`."""
    done = CliRunner().invoke(app, ["audit", "--data", str(folder), "--json"])
    assert done.stdout, f"{done.stderr} {done.exception}"
    return done.exit_code, msgspec.json.decode(done.stdout)


def test_the_audit_asks_devices_and_world_and_says_whom_it_could_not_ask(tmp_path: Path) -> None:
    with plant_at_work(tmp_path, speed=SPEED) as works, people_at_work(works, speed=SPEED):
        open_the_books(works)
        works.calm()
        code, report = audited(tmp_path)
        assert code == 0, report
        assert not report["skipped"]
        assert report["checks"]["paper_equals_devices"]["ok"]
        assert report["checks"]["paper_equals_world"]["ok"]

        place = works.world.dump()[101]
        works.world.carry(101, place, "outside", by="thief")
        code, report = audited(tmp_path)
        assert code == 1
        assert not report["ok"]
        assert "load unit 101" in report["checks"]["paper_equals_world"]["detail"]

        works.running.kill("PLC2")
        _, report = audited(tmp_path)
        assert set(report["skipped"]) == {"paper_equals_devices: PLC2"}

    code, report = audited(tmp_path)
    assert code == 0, "the books alone hold"
    assert set(report["skipped"]) == {"paper_equals_devices", "paper_equals_world"}
    assert not set(report["skipped"]) & set(report["checks"])


def test_while_a_site_drives_a_difference_to_the_building_is_skipped_and_said(tmp_path: Path) -> None:
    with plant_at_work(tmp_path, speed=SPEED) as works, people_at_work(works, speed=SPEED):
        open_the_books(works)
        works.calm()
        works.world.carry(101, works.world.dump()[101], "outside", by="thief")
        for n in range(4):
            works.order(f"O{n}", ("LEFT", 1), ("RIGHT", 1))
        works.until(lambda book: len(book.leg) > 1, "loads are under way")
        code, report = audited(tmp_path)
        assert code == 0, report
        assert "the plant is being driven" in report["skipped"]["paper_equals_world"]
        assert "load unit 101" in report["skipped"]["paper_equals_world"]


def test_a_folder_that_is_no_demo_is_refused(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["audit", "--data", str(tmp_path)]).exit_code == 2
