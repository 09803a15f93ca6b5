"""Published plans through the reservation of `wcs.traffic`: every move granted, every errand done at its step.

A node is held by one vehicle, so whoever follows is granted a cell once the one before it has confirmed the next. The
published plans also turn rings at once, in which everybody waits for the one before it: no sequence of grants does
that, and the product's own decisions never ask for it. For a ring the first of it stands in a node of its own, beside
the track, while the others move up; each of its moves is a grant as well.
"""

from __future__ import annotations

from collections import deque

import pytest

from tests.simulation.validation.robot_runners import Cell, Plan, load_plan
from wcs.plant.model import Track, TrackEdge, TrackNode
from wcs.traffic.records import Grant, VehicleTraffic
from wcs.traffic.state import Traffic

STEP_MS = 1_000
NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def node_of(cell: Cell) -> str:
    return f"{cell[0]},{cell[1]}"


def aside(agent: int) -> str:
    return f"beside {agent}"


def track_of(plan: Plan) -> Track:
    """Cells with lanes both ways, and beside each agent's first cell a parking node of its own."""
    names = [node_of(cell) for cell in sorted(plan.cells)]
    lanes = [
        (node_of((r, c)), node_of((r + dr, c + dc)))
        for r, c in sorted(plan.cells)
        for dr, dc in NEIGHBOURS
        if (r + dr, c + dc) in plan.cells
    ]
    for agent, path in enumerate(plan.paths):
        names.append(aside(agent))
        lanes += [(node_of(path[0]), aside(agent)), (aside(agent), node_of(path[0]))]
    return Track(
        nodes=tuple(
            TrackNode(name=name, number=n, x_mm=0, y_mm=0, parking=name.startswith("beside"))
            for n, name in enumerate(names, 1)
        ),
        edges=tuple(TrackEdge(origin=a, end=b, length_mm=1_000, speed_max_mm_s=1_000) for a, b in lanes),
    )


class Replay:
    """The vehicles of a plan under the traffic's reservation."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.names = [f"V{agent:04d}" for agent in range(len(plan.paths))]
        self.traffic = Traffic(
            track_of(plan),
            (
                VehicleTraffic(vehicle=name, home=aside(agent), node=node_of(plan.paths[agent][0]))
                for agent, name in enumerate(self.names)
            ),
        )
        self.done: list[tuple[int, int]] = []
        self.rings = 0
        self._left = [iter(plan.errands[agent :: len(self.names)]) for agent in range(len(self.names))]
        self._at_once: list[int] = []

    def run(self) -> None:
        self._give_out(0)
        for step in range(1, len(self.plan.paths[0])):
            self._move(step)
            self._check(step)
            self._give_out(step)

    def _give_out(self, step: int) -> None:
        """Whoever has done its errand gets the next one; one that ends where it begins is done at the next step."""
        done, self._at_once = self._at_once, []
        self.done += [(step, agent) for agent in done]
        for agent, name in enumerate(self.names):
            if self.traffic.vehicles[name].sink is not None:
                continue
            if step and agent not in done:
                self.done.append((step, agent))
            self.traffic.set_errand(name, node_of(next(self._left[agent])), step * STEP_MS)
            if self.traffic.vehicles[name].sink is None:
                self._at_once.append(agent)

    def _move(self, step: int) -> None:
        """One step of everybody: heads of queues first, then those behind them, then rings."""
        paths = self.plan.paths
        wanted = {path[step]: agent for agent, path in enumerate(paths) if path[step] != path[step - 1]}
        heads = deque(a for cell, a in wanted.items() if self.traffic.held_by(node_of(cell)) is None)
        while wanted:
            if not heads:
                self.rings += 1
                first = next(iter(wanted.values()))
                self._go(first, aside(first), step)
                heads.append(wanted[paths[first][step - 1]])
            while heads:
                agent = heads.popleft()
                self._go(agent, node_of(paths[agent][step]), step)
                del wanted[paths[agent][step]]
                behind = wanted.get(paths[agent][step - 1])
                if behind is not None:
                    heads.append(behind)

    def _go(self, agent: int, node: str, step: int) -> None:
        name = self.names[agent]
        towards = self.traffic.vehicles[name].towards
        self.traffic.grant(Grant(vehicle=name, nodes=(node,), towards=towards), step * STEP_MS)
        self.traffic.confirm(name, node, step * STEP_MS)

    def _check(self, step: int) -> None:
        """Everybody is where the plan says, alone."""
        nodes = [self.traffic.vehicles[name].node for name in self.names]
        assert nodes == [node_of(path[step]) for path in self.plan.paths]
        assert len(set(nodes)) == len(nodes)


@pytest.mark.parametrize(("instance", "errands", "rings"), [("MR23-I-03", 3_042, 78), ("MR23-I-05", 7_432, 1_929)])
def test_every_errand_of_a_published_plan_is_done_without_a_collision(instance: str, errands: int, rings: int) -> None:
    replay = Replay(load_plan(instance))
    replay.run()
    assert len(replay.done) == errands
    assert replay.rings == rings
