"""The published device interface and the code that speaks it say the same.

Rule: the numbers come from the text. Its CRCs are computed here by long division, not by the code under test.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices.words_layout import COMMAND, DECISION, EVENT, STATUS, Block, Kind

TEXT = (Path(__file__).parents[2] / "docs" / "device-interface.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\+?)(\d+)(?:–(\d+))? \| (\w+) \| (u16|u32|s32|u64) \|", re.MULTILINE)


def crc_by_long_division(payload: bytes) -> int:
    remainder = 0xFFFF
    for byte in payload:
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0xA001 if remainder & 1 else 0)
    return remainder


def examples(kind: str) -> list[bytes]:
    return [bytes.fromhex(found) for found in re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)]


def rows(chapter: str) -> dict[str, tuple[int, str]]:
    """First word and type of each named row in the table of one chapter."""
    body = TEXT.split(f"### {chapter} ", 1)[1].split("\n### ", 1)[0]
    return {name: (int(first), kind) for _, first, _, name, kind in ROW.findall(body)}


def test_the_check_value_of_the_text_is_that_of_the_division() -> None:
    assert crc_by_long_division(b"123456789") == 0x4B37
    assert "`123456789` give `4B37`" in TEXT


def test_every_example_telegram_ends_with_its_crc() -> None:
    telegrams = examples("telegram")
    assert len(telegrams) == 4
    for telegram in telegrams:
        assert crc_by_long_division(telegram[:-2]) == int.from_bytes(telegram[-2:], "big")


def test_the_example_request_carries_the_words_of_the_table_and_their_crc() -> None:
    (request,) = examples("modbus-request")
    table = TEXT.split("### 11.1 ", 1)[1].split("```", 1)[0]
    words = bytes.fromhex("".join(re.findall(r"\| `([0-9A-F ]+)` \|$", table, re.MULTILINE)))
    assert request[13:] == words
    assert crc_by_long_division(words[:-2]) == int.from_bytes(words[-2:], "big")
    assert int.from_bytes(request[4:6], "big") == len(request) - 6
    assert request[6:13] == bytes([1, 16, 1, 1, 0, 31, 62])


@pytest.mark.parametrize(
    ("chapter", "block", "first_word", "named_at_least"),
    [("5.1", COMMAND, 0, 11), ("5.5", STATUS, 32, 21), ("5.12", EVENT, 0, 6), ("5.12", DECISION, 32, 5)],
    ids=["command", "status", "event", "decision"],
)
def test_each_named_word_stands_where_the_text_says(
    chapter: str, block: Block, first_word: int, named_at_least: int
) -> None:
    told = rows(chapter)
    named = {field.name: (first_word + field.at, field.kind) for field in block.fields if field.name in told}
    assert named == {name: (told[name][0], Kind[told[name][1].upper()]) for name in named}
    assert len(named) >= named_at_least
