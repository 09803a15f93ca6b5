"""Labels: which load number people in the building give a load that comes with a barcode.

Rule: the same barcode has the same numbers for everybody, so whoever would bring a load finds it if somebody else did.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

PRINTED = re.compile("T0*([1-9][0-9]{0,8})")  # a workload's labels, and those of opening stock, show the number
FREE_FIRST = 1_000_000_000  # above all that are printed
FREE_COUNT = 1_000_000_000  # so that all fit into a 31-bit word on the wire
TRIES_MAX = 20  # each that is taken is another barcode with the same sum: two are rare


def numbers_for(barcode: str) -> Iterator[int]:
    """The numbers that a load with this barcode may have, the first choice first.

    Example:
        >>> next(numbers_for("T000012"))
        12
        >>> next(numbers_for("XB1")) >= FREE_FIRST
        True
    """
    if printed := PRINTED.fullmatch(barcode):
        yield int(printed[1])
    checksum = zlib.crc32(barcode.encode())
    for attempt in range(TRIES_MAX):
        yield FREE_FIRST + (checksum + attempt) % FREE_COUNT
