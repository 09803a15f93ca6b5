"""The check of sizes finds what is too large and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.size import FUNCTION_LINES_MAX, MODULE_LINES_MAX, main


def function_of(lines: int) -> str:
    return "def cycle():\n" + "    x = 1\n" * (lines - 1)


def test_what_is_just_small_enough_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crane.py").write_text(function_of(FUNCTION_LINES_MAX))
    (tmp_path / "belt.py").write_text("x = 1\n" * MODULE_LINES_MAX)
    assert main([str(tmp_path)]) == 0
    assert "2 modules, median 285 lines" in capsys.readouterr().out


def test_a_long_function_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crane.py").write_text("\n" + function_of(FUNCTION_LINES_MAX + 1))
    assert main([str(tmp_path)]) == 1
    assert "crane.py:2: cycle has 71 lines, at most 70" in capsys.readouterr().out


def test_a_long_method_is_found_inside_its_class(tmp_path: Path) -> None:
    body = "".join(f"    {line}\n" for line in function_of(FUNCTION_LINES_MAX + 1).splitlines())
    (tmp_path / "crane.py").write_text("class Crane:\n" + body)
    assert main([str(tmp_path)]) == 1


def test_a_long_module_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "belt.py").write_text("x = 1\n" * (MODULE_LINES_MAX + 1))
    assert main([str(tmp_path)]) == 1
    assert "belt.py:1: 501 lines, at most 500" in capsys.readouterr().out


def test_a_folder_without_modules_is_no_success(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1
