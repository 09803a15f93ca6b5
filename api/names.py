"""Names that people and programs give: numbers of orders and deliveries, articles, lots, barcodes, actors.

Rule: a name stands in the paths of the API and on screens, so it is refused where a path would not lead to it or a
person would not see what it is. Any script is welcome.
"""

from __future__ import annotations

import unicodedata

from wcs.core.orders import NUMBER_LENGTH_MAX

# Control and format characters (they hide, or turn the direction of what follows), separators of lines and paragraphs,
# and halves of characters, which no database stores. What could not be decoded stands as the replacement character, and
# would be one name for many.
UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs")


def reason_against(name: str) -> str:
    """Why this cannot be a name; empty if it can."""
    if not 0 < len(name) <= NUMBER_LENGTH_MAX:
        return f"wanted 1 to {NUMBER_LENGTH_MAX} characters"
    if not name.strip():
        return "wanted more than blanks"
    if "/" in name or name in (".", ".."):
        return "wanted no slash, and neither . nor .. alone: names stand in paths"
    for character in name:
        if unicodedata.category(character) in UNSEEN or character == "\N{REPLACEMENT CHARACTER}":
            return f"wanted no characters that cannot be seen or read: U+{ord(character):04X}"
    return ""
