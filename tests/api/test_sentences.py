"""What the core says in sentences and codes has its words in both languages on the page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import api
import wcs.core
from wcs.core.driving import STALLED
from wcs.core.on_board import UNKNOWN_LOAD
from wcs.core.putaway import WAREHOUSE_FULL
from wcs.core.retries import REFUSED

PAGE = Path(next(iter(api.__path__))) / "page"
CORE = Path(next(iter(wcs.core.__path__)))
NAMED = {"STALLED": STALLED, "REFUSED": REFUSED, "UNKNOWN_LOAD": UNKNOWN_LOAD, "WAREHOUSE_FULL": WAREHOUSE_FULL}
SAYING = {"raise_alarm": 2, "wait": 2, "unknown": 2}  # functions of the core, and which argument is a sentence
ASKED = ("reason", "of_")  # functions that return sentences begin so
SAMPLE = "X1"


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    for file in sorted(CORE.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in names:
                    yield name, node


def said(node: ast.expr) -> str | None:
    """The sentence of an expression, with samples filled in; None if it comes from elsewhere."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else SAMPLE for v in node.values)
    return NAMED.get(node.id) if isinstance(node, ast.Name) else None


def sentences() -> set[str]:
    found = {said(call.args[SAYING[name]]) for name, call in calls(*SAYING) if len(call.args) > SAYING[name]}
    for file in ("reconcile.py", "waiting.py"):
        for function in ast.walk(ast.parse((CORE / file).read_text())):
            if isinstance(function, ast.FunctionDef) and function.name.startswith(ASKED):
                returned = (node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value)
                found.update(said(value) for value in returned)
    return {sentence for sentence in found if sentence}


def on_the_page(file: str) -> str:
    return (PAGE / file).read_text()


def test_every_sentence_of_the_core_is_known_to_the_page() -> None:
    known = re.findall(r'^  \["(.+)", "(.+)"\],$', on_the_page("sentences.js"), re.MULTILINE)
    patterns = [re.compile(re.sub(r"\\\{\d\\\}", "(.+?)", re.escape(english))) for english, _ in known]
    assert len(sentences()) > 20
    assert not {s for s in sentences() if not any(pattern.fullmatch(s) for pattern in patterns)}
    for english, chinese in known:
        assert sorted(re.findall(r"\{\d\}", english)) == sorted(re.findall(r"\{\d\}", chinese)), english


def test_every_alarm_has_a_name_in_chinese() -> None:
    codes = {said(call.args[1]) for _, call in calls("raise_alarm")} - {None}
    chinese = on_the_page("words.js").split("const CHINESE", 1)[1]
    assert len(codes) > 15
    assert not {code for code in codes if f"{code}:" not in chinese}
