"""What the host counts of itself. Rule: plain numbers; how they are shown is the API's."""

from __future__ import annotations

COMMIT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class SiteMetrics:
    """Counters of one term."""

    def __init__(self) -> None:
        self.events = 0
        self.facts = 0
        self.commits = 0
        self.commit_seconds = 0.0
        self.commit_buckets = [0] * (len(COMMIT_BUCKETS_S) + 1)
        self.queue_length = 0
        self.refused = 0
        self.quarantined = 0
        self.commands = 0

    def committed(self, events: int, facts: int, seconds: float) -> None:
        """One batch is on paper."""
        self.facts += facts
        self.commits += 1
        self.commit_seconds += seconds
        for n, bound in enumerate((*COMMIT_BUCKETS_S, float("inf"))):
            if seconds <= bound:
                self.commit_buckets[n] += 1
                break
