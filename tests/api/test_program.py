"""The program speaks of itself: its version, how far it is, why it did not begin."""

from __future__ import annotations

import io
from pathlib import Path

from typer.testing import CliRunner

from api.cli import app
from api.program import without_password
from api.progress_lines import INTERVAL_S, ProgressLines


def test_it_says_its_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.stdout.startswith("wcs ")


def test_long_work_says_now_and_then_how_far_it_is_and_short_work_nothing() -> None:
    moment_s, stream = 0.0, io.StringIO()
    lines = ProgressLines(stream, lambda: moment_s)
    for share in range(10):
        moment_s = share * INTERVAL_S / 2
        lines.tell(f"{share} tenths")
    assert stream.getvalue().splitlines() == ["2 tenths", "4 tenths", "6 tenths", "8 tenths"]


def test_a_site_that_cannot_start_is_a_refusal(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["serve", "--plant", "tiny", "--site", str(tmp_path / "nowhere.toml")])
    assert done.exit_code == 2
    assert "nowhere.toml" in done.output


def test_an_address_is_passed_on_without_its_password() -> None:
    assert "secret" not in without_password("postgresql://wcs:secret@db/wcs")
