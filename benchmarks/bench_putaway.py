"""Put-away among a million locations, raced against looking at every free one with numpy.

Budget: 0.1 ms a choice, so that put-away is a small part of the 0.3 ms that a dispatch cycle may take.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

BUDGET_MS = 0.1
HERE = Path(__file__).parent
RACE_TIMEOUT_S = 300


def races() -> list[dict[str, object]]:
    """The race, as one row of `results.json`."""
    with tempfile.TemporaryDirectory(prefix="wcs-bench-") as folder:
        told = Path(folder) / "benchmark.json"
        arguments = ["-q", "-o", "addopts=", "-p", "no:xdist", "-p", "no:cacheprovider", f"--benchmark-json={told}"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *arguments, str(HERE / "race_putaway.py")],
            check=True, cwd=HERE.parent, stdout=subprocess.DEVNULL, timeout=RACE_TIMEOUT_S,
        )  # fmt: skip
        timed = json.loads(told.read_text(encoding="utf-8"))["benchmarks"]
    means_ms = {one["params"]["side"]: one["stats"]["mean"] * 1000 for one in timed}
    ours_ms, peer_ms = means_ms["kernel"], means_ms["argmin"]
    return [
        {
            "name": "put-away at 1,000,000 locations",
            "value": round(ours_ms, 5),
            "unit": "ms",
            "budget": BUDGET_MS,
            "better": "lower",
            "peer": "numpy argmin over all locations",
            "peer_value": round(peer_ms, 4),
            "ratio": round(peer_ms / ours_ms, 1),
            "ok": ours_ms <= BUDGET_MS,
        }
    ]
