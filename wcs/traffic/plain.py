"""Plain-Python twins of the kernels in `safety` and `ways`. Rule: nothing is shared with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def can_go_home(
    onward: Mapping[int, Sequence[int]],
    obstacles: set[int],
    homes: Sequence[int],
    ends: Sequence[int],
    able: Sequence[bool],
    vehicle: int,
    node: int,
) -> bool:
    """Send home whoever can go, again and again, and see whether `vehicle` was among them."""
    places = {v: end for v, end in enumerate(ends) if able[v]}
    places[vehicle] = node
    while vehicle in places:
        for v in sorted(places):
            others = {place for u, place in places.items() if u != v}
            shut = obstacles | others | {home for u, home in enumerate(homes) if u != v}
            if homes[v] in reached(onward, shut, places[v]):
                del places[v]
                break
        else:
            return False
    return True


def reached(onward: Mapping[int, Sequence[int]], shut: set[int], origin: int) -> dict[int, int]:
    """Every node that can be reached without entering a shut one, with the fewest steps to it."""
    steps = {origin: 0}
    edge = [origin]
    while edge:
        fresh = []
        for node in edge:
            for end in onward.get(node, ()):
                if end not in steps and end not in shut:
                    steps[end] = steps[node] + 1
                    fresh.append(end)
        edge = fresh
    return steps


def cheapest(
    onward: Mapping[int, Sequence[int]],
    times: Mapping[tuple[int, int], int],
    shut: set[int],
    delays: Sequence[int],
    origin: int,
) -> dict[int, int]:
    """What it costs to reach each node without entering a shut one: lanes' times and delays of the nodes entered."""
    costs = {origin: 0}
    for _ in onward:  # Bellman and Ford: each round settles at least the ways of one lane more
        for node, ends in onward.items():
            for end in ends if node in costs else ():
                through = costs[node] + times[node, end] + delays[end]
                if end not in shut and through < costs.get(end, through + 1):
                    costs[end] = through
    return costs


def way_past(
    onward: Mapping[int, Sequence[int]],
    times: Mapping[tuple[int, int], int],
    shut: set[int],
    delays: Sequence[int],
    origin: int,
    sink: int,
) -> list[int]:
    """From the sink back: each node from the one before it that is reached soonest, then from the lowest."""
    costs = cheapest(onward, times, shut - {sink}, delays, origin)
    way: list[int] = []
    node = sink if sink in costs else origin
    while node != origin:
        way.insert(0, node)
        before = [n for n, ends in onward.items() if node in ends and n in costs and (n not in shut or n == origin)]
        node = min((costs[n], n) for n in before if costs[n] + times[n, node] + delays[node] == costs[node])[1]
    return way
