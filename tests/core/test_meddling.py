"""Whatever people ask, and whenever: it is done whole or refused with a reason, and every order ends."""

from __future__ import annotations

import pytest

from tests.core.meddling import meddle


@pytest.mark.seeded
@pytest.mark.parametrize("seed", range(1, 6), ids=lambda seed: f"seed={seed}")
def test_people_who_meddle_at_any_moment_leave_nothing_half_done(seed: int) -> None:
    run = meddle(seed)
    assert len(run.done) >= 8, run.done
    assert len(run.refused) >= 4, run.refused
