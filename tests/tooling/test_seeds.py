"""Seeded tests: each seed is a test of its own, with the seed in its name."""

from __future__ import annotations

import pytest

TEST_FILE = """
import pytest

def test_draws(seed):
    assert seed != 5

@pytest.mark.parametrize("seed", [42])
def test_has_chosen_its_seed(seed):
    assert seed == 42
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite of two tests under the same conftest as this one."""
    pytester.makeconftest("from tests.conftest import *")
    pytester.makeini("[pytest]\nmarkers = seeded: runs over seeds")
    pytester.makepyfile(TEST_FILE)
    return pytester


def test_the_suite_runs_a_few_seeds(suite: pytest.Pytester) -> None:
    suite.runpytest_subprocess().assert_outcomes(passed=4)


def test_more_seeds_can_be_asked_for_and_a_failing_one_is_named(suite: pytest.Pytester) -> None:
    outcome = suite.runpytest_subprocess("-m", "seeded", "--seeds", "6")
    outcome.assert_outcomes(passed=5, failed=1, deselected=1)
    outcome.stdout.fnmatch_lines(["FAILED *test_draws[[]seed=5[]]*"])
