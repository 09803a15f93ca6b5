"""The twin: determinism, statistics, and the invariants under faults."""
