"""Orders from a CSV file as people really save it; what is wrong is named by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.orders_file import OrdersFileError, read_baskets

GOOD = [
    pytest.param(b"order_id,sku,quantity\nA1,TEA,2\nA1,RICE,1\nA2,TEA,3\n", id="plain"),
    pytest.param(b"\xef\xbb\xbforder_id,sku,quantity\r\nA1,TEA,2\r\nA1,RICE,1\r\nA2,TEA,3", id="BOM and CRLF"),
    pytest.param(b"order_id;sku;quantity\nA1;TEA;2\nA1;RICE;1\nA2;TEA;3\n", id="semicolons"),
    pytest.param(b"quantity\torder_id\tsku\n2\tA1\tTEA\n1\tA1\tRICE\n3\tA2\tTEA\n", id="tabs, other order"),
    pytest.param(b'order_id, sku ,quantity,note\nA1,TEA,1,"x, y"\nA1,TEA,1,\nA1,RICE,1,\n\nA2,TEA,3,\n', id="spare"),
]


@pytest.mark.parametrize("content", GOOD)
def test_baskets_are_read_however_the_file_was_saved(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes(content)
    baskets = [(b.number, [(line.sku, line.quantity) for line in b.lines]) for b in read_baskets(file)]
    assert baskets == [("A1", [("TEA", 2), ("RICE", 1)]), ("A2", [("TEA", 3)])]


BAD = [
    pytest.param(b"", "line 1: the columns order_id, sku, quantity are missing", id="empty"),
    pytest.param(b"order_id,sku\nA1,TEA\n", "line 1: the column quantity is missing", id="no quantity"),
    pytest.param(b"order_id,sku,quantity\nA1,TEA,2\nA1,TEA,two\n", "line 3: quantity 'two'", id="a word"),
    pytest.param(b"order_id,sku,quantity\nA1,TEA,1.5\n", "line 2: quantity '1.5'", id="a fraction"),
    pytest.param(b"order_id,sku,quantity\nA1,TEA\n", "line 2: quantity None", id="a field too few"),
    pytest.param(b"order_id,sku,quantity\nA1,TEA,1,2\n", "line 2: more fields", id="a field too many"),
    pytest.param(b"order_id,sku,quantity\nA1,TEA,0\n", "line 2: quantity must be", id="zero"),
    pytest.param(b"order_id,sku,quantity\nA1,TEA,1000001\n", "line 2: quantity must be", id="absurd"),
    pytest.param(b"order_id,sku,quantity\n,TEA,1\n", "line 2: order_id may not be empty", id="no number"),
    pytest.param(b"order_id,sku,quantity\nA1,A/B,1\n", "line 2: sku 'A/B'", id="a slash"),
    pytest.param(b"order_id,sku,quantity\n..,TEA,1\n", "line 2: order_id '..'", id="a way up"),
    pytest.param(b"order_id,sku,quantity\nA\xe2\x80\x8b1,TEA,1\n", "line 2: order_id 'A", id="an unseen character"),
    pytest.param(b"order_id,sku,quantity\nA1," + b"S" * 65 + b",1\n", "line 2: sku 'SSS", id="too long"),
    pytest.param(b"order_id,sku,quantity\nA1,B\xfcro,1\n", "line 2: byte 0xfc is not UTF-8", id="Latin-1"),
    pytest.param(b'order_id,sku,quantity\nA1,"TEA,1\n', "line 2: unexpected end of data", id="an open quote"),
    pytest.param(b"order_id,sku,quantity,due\nA1,TEA,1,soon\n", "line 2: due 'soon'", id="no date"),
    pytest.param(b"order_id,sku,quantity,due\nA1,TEA,1,1910-01-01\n", "line 2: due '1910-01-01'", id="long past"),
]


@pytest.mark.parametrize(("content", "reason"), BAD)
def test_what_is_wrong_is_named_by_file_and_line(content: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes(content)
    with pytest.raises(OrdersFileError) as refusal:
        read_baskets(file)
    assert str(refusal.value).startswith(f"{file}: {reason}")
