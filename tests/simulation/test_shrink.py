"""A failing campaign becomes a small one that fails alike, and a test that can be run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer import Typer
from typer.testing import CliRunner

from simulation import seeds
from simulation.campaign import Campaign
from simulation.faults import Fault
from simulation.shrink import as_test, nature, shrink


def needs_two_faults_and_five_orders(campaign: Campaign) -> str | None:
    kinds = {fault.kind for fault in campaign.drawn()}
    if campaign.orders < 5:
        return None
    if {"no_read", "disk_slow"} <= kinds:
        return f"paper is not plant: {len(kinds)}"
    return "orders never ended" if "no_read" in kinds else None


def test_a_failure_shrinks_to_what_it_needs_and_to_no_other_failure() -> None:
    first = Campaign(seed=4, trouble_ms=3_600_000)
    message = needs_two_faults_and_five_orders(first)
    assert message is not None
    small = shrink(first, message, needs_two_faults_and_five_orders)
    assert sorted(fault.kind for fault in small.drawn()) == ["disk_slow", "no_read"]
    assert (small.orders, small.deliveries) == (5, 0)


def test_shrinking_ends_at_its_limit() -> None:
    runs: list[Campaign] = []

    def always(campaign: Campaign) -> str:
        runs.append(campaign)
        return "orders never ended"

    shrink(Campaign(seed=4), "orders never ended", always, trials_max=7)
    assert len(runs) == 7


def test_a_broken_mind_is_caught_shrunk_and_written_as_a_test_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from simulation import campaign as campaigns
    from simulation.checkers import Checker

    class Forgetful(Checker):
        """Has not seen the second pick of the run."""

        def world_line(self, line):  # type: ignore[no-untyped-def]
            super().world_line(line)
            if line.by.endswith("task 2 PICK"):
                super().world_line(line)

    monkeypatch.setattr(campaigns, "Checker", Forgetful)
    campaign = Campaign(seed=9, orders=6)
    message = seeds.outcome(campaign)
    assert message is not None
    assert nature(message) == "executed twice WorldLine"
    small = shrink(campaign, message, seeds.outcome, trials_max=40)
    assert small.orders <= 2
    assert len(small.drawn()) <= 2
    text = as_test(small, message)
    scope: dict[str, object] = {}
    exec(compile(text, "reproduction", "exec"), scope)
    test = next(value for name, value in scope.items() if name.startswith("test_"))
    assert callable(test)
    with pytest.raises(AssertionError, match="executed twice"):
        test()


def test_the_text_of_a_test_holds_the_faults() -> None:
    fault = Fault(at_ms=5, kind="no_read", target="ID1", arguments={"count": 2})
    text = as_test(msgspec.structs.replace(Campaign(seed=3), faults=(fault,)), "something never ended: []")
    assert 'Fault(at_ms=5, kind="no_read", target="ID1", arguments={"count": 2})' in text


def test_seeds_that_go_well_end_with_zero_and_an_unknown_fault_is_refused() -> None:
    app = Typer()
    app.command()(seeds.main)
    result = CliRunner().invoke(app, ["--plant", "tiny", "--count", "2", "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "2 of 2 seeds went well" in result.output
    assert CliRunner().invoke(app, ["--kind", "fire"]).exit_code == 2
