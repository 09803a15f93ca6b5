"""Serial Shipping Container Codes. Rule: a number is drawn once and never reused (GS1 General Specifications 2.2)."""

from __future__ import annotations

# A GS1 company prefix reserved for restricted circulation inside a company: a site with its own licence sets its own.
COMPANY_PREFIX = "0400000"
EXTENSION = "0"


def sscc(serial: int) -> str:
    """The 18 digits of an SSCC: extension, company prefix, serial, check digit.

    Example:
        >>> sscc(1)
        '004000000000000015'
        >>> len(sscc(123456789))
        18

    Raises:
        ValueError: the serial does not fit nine digits.
    """
    if not 0 < serial < 10**9:
        raise ValueError(f"serial {serial} does not fit nine digits")
    digits = f"{EXTENSION}{COMPANY_PREFIX}{serial:09d}"
    total = sum(int(d) * (3 if n % 2 == 0 else 1) for n, d in enumerate(digits))
    return digits + str(-total % 10)
