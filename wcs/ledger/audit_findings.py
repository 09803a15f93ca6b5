"""What one check found wrong. Rule: all is counted, the first few are told."""

from __future__ import annotations

TOLD_MAX = 5  # the first contradictions lead to the cause; thousands more would hide it


class Findings:
    """Contradictions, in the order in which they were met."""

    def __init__(self) -> None:
        self.count = 0
        self._told: list[str] = []

    def add(self, text: str) -> None:
        self.count += 1
        if len(self._told) < TOLD_MAX:
            self._told.append(text)

    def take_over(self, other: Findings) -> None:
        """What another pass found, as if it had been found here."""
        self.count += other.count
        self._told = (self._told + other._told)[:TOLD_MAX]

    def __str__(self) -> str:
        more = f"; and {self.count - len(self._told)} more" if self.count > len(self._told) else ""
        return "; ".join(self._told) + more
