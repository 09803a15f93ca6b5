"""What the core says in sentences and codes has its words in both languages on the page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import api
import wcs.core
from wcs.core.driving import MISLOCATED, STALLED
from wcs.core.on_board import UNKNOWN_LOAD
from wcs.core.orders import NO_EMPTIES
from wcs.core.putaway import WAREHOUSE_FULL
from wcs.core.retries import REFUSED

PAGE = Path(next(iter(api.__path__))) / "page"
CORE = Path(next(iter(wcs.core.__path__)))
DOCUMENTED = Path(__file__).parents[2] / "docs" / "alarms.md"
NAMED = {
    "MISLOCATED": MISLOCATED, "NO_EMPTIES": NO_EMPTIES, "REFUSED": REFUSED, "STALLED": STALLED,
    "UNKNOWN_LOAD": UNKNOWN_LOAD, "WAREHOUSE_FULL": WAREHOUSE_FULL,
}  # fmt: skip
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


def answers_by_code() -> dict[str, set[str]]:
    """Every alarm that the core raises, with the answers that it gives people to choose from."""
    found: dict[str, set[str]] = {}
    for _, call in calls("raise_alarm"):
        code = said(call.args[1])
        assert code, ast.unparse(call)
        answers = next((word.value for word in call.keywords if word.arg == "answers"), None)
        elements = answers.elts if isinstance(answers, ast.Tuple) else []
        found.setdefault(code, set()).update(said(element) or "" for element in elements)
    return found


def test_every_alarm_has_a_name_in_chinese() -> None:
    chinese = on_the_page("words.js").split("const CHINESE", 1)[1]
    assert len(answers_by_code()) > 15
    assert not {code for code in answers_by_code() if f"{code}:" not in chinese}


def test_every_alarm_is_documented_with_its_chinese_name_and_its_answers() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` (.+)$", DOCUMENTED.read_text(), re.MULTILINE))
    assert rows.keys() == answers_by_code().keys()
    chinese = dict(re.findall(r"(\w+): \"([^\"]+)\"", on_the_page("words.js").split("const CHINESE", 1)[1]))
    for code, answers in answers_by_code().items():
        assert rows[code].startswith(f"{chinese[code]} |")
        assert not {answer for answer in answers if f"`{answer}`" not in rows[code]}, code
