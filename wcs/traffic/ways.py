"""The quickest ways: from everywhere to one node, and from one to another past those who drive and stand now.

Rule: a node that another holds costs the time it is likely to stay so, on top of the driving; on an empty track this
is the quickest way, and of equally quick ways the one over the lowest node indices is taken.
"""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from slotting.compiled import BoolArray, IntArray, compiled

FAR = 1 << 60
"""Travel time to a node that cannot be reached."""


@compiled("UniTuple(int64[:], 2)(int64[:], int64[:], int64[:], boolean[:], int64)")
def _quickest_to(
    first: IntArray, origins: IntArray, times: IntArray, shut: BoolArray, sink: int
) -> tuple[IntArray, IntArray]:
    nodes = first.shape[0] - 1
    best = np.full(nodes, FAR, np.int64)
    onward = np.full(nodes, -1, np.int64)
    best[sink] = 0
    waiting = [(0, sink)]
    while waiting:
        time, node = heappop(waiting)
        if time > best[node] or (shut[node] and node != sink):
            continue
        for edge in range(first[node], first[node + 1]):
            origin = origins[edge]
            through = time + times[edge]
            if through < best[origin]:
                best[origin] = through
                onward[origin] = node
                heappush(waiting, (through, origin))
            elif through == best[origin] and node < onward[origin]:
                onward[origin] = node
    return best, onward


def quickest_to(
    first: IntArray, origins: IntArray, times: IntArray, shut: BoolArray, *, sink: int
) -> tuple[IntArray, IntArray]:
    """From every node the time of the quickest way to sink (FAR: there is none), and the next node on it (-1: none).

    Args:
        first, origins: shape (nodes + 1,) and (edges,), compressed rows of the edges into each node.
        times: shape (edges,), driving time of each edge, > 0, ms.
        shut: shape (nodes,), which nodes no way leads through; it may begin or end there.
    Raises:
        ValueError: shapes that do not agree, or a node that does not exist.
    Source:
        Dijkstra (1959), Numerische Mathematik 1.
    Example:
        0 to 1 to 2, a second each:
        >>> import numpy as np
        >>> times, onward = quickest_to(
        ...     np.array([0, 0, 1, 2]), np.array([0, 1]), np.array([1000] * 2), np.zeros(3, bool), sink=2
        ... )
        >>> times.tolist(), onward.tolist()
        ([2000, 1000, 0], [1, 2, -1])
    """
    nodes = first.shape[0] - 1
    if shut.shape != (nodes,):
        raise ValueError(f"shut: wanted shape ({nodes},)")
    if times.shape != origins.shape:
        raise ValueError(f"times: wanted shape {origins.shape}")
    if not 0 <= sink < nodes:
        raise ValueError(f"no node {sink}")
    found: tuple[IntArray, IntArray] = _quickest_to(first, origins, times, shut, sink)
    return found


@compiled("int64[:](int64[:], int64[:], int64[:], boolean[:], int64[:], int64[:], int64, int64)")
def _way_past(
    first: IntArray,
    ends: IntArray,
    times: IntArray,
    shut: BoolArray,
    delays: IntArray,
    left: IntArray,
    origin: int,
    sink: int,
) -> IntArray:
    nodes = first.shape[0] - 1
    best = np.full(nodes, FAR, np.int64)
    parent = np.full(nodes, -1, np.int64)
    best[origin] = 0
    waiting = [(left[origin], origin)]
    while waiting:
        bound, node = heappop(waiting)
        # All that is on some quickest way is settled, not only the sink: equally quick ways are compared below.
        if bound > best[sink]:
            break
        time = best[node]
        if bound > time + left[node]:
            continue
        for edge in range(first[node], first[node + 1]):
            end = ends[edge]
            if left[end] >= FAR or (shut[end] and end != sink):
                continue
            through = time + times[edge] + delays[end]
            if through < best[end]:
                best[end] = through
                parent[end] = node
                heappush(waiting, (through + left[end], end))
            elif through == best[end]:
                other = parent[end]
                if time < best[other] or (time == best[other] and node < other):
                    parent[end] = node
    length = 0
    node = sink
    while node != origin and parent[node] >= 0:
        length += 1
        node = parent[node]
    if node != origin:
        return np.empty(0, np.int64)
    way = np.empty(length, np.int64)
    node = sink
    while node != origin:
        length -= 1
        way[length] = node
        node = parent[node]
    return way


def way_past(
    first: IntArray,
    ends: IntArray,
    times: IntArray,
    shut: BoolArray,
    delays: IntArray,
    left: IntArray,
    *,
    origin: int,
    sink: int,
) -> list[int]:
    """The nodes after origin of the quickest way to sink; empty if there is none (or origin is sink).

    Of equally quick ways each node is reached from the one that is itself reached soonest, then from the lowest.

    Args:
        first, ends: shape (nodes + 1,) and (edges,), compressed rows of the track.
        times: shape (edges,), driving time of each edge, > 0, ms.
        shut: shape (nodes,), which nodes no way leads through; it may begin or end there.
        delays: shape (nodes,), ms that entering a node is likely to cost beyond the driving, >= 0.
        left: shape (nodes,), times of the quickest ways to sink as `quickest_to` finds them for this `shut`: what no
            delay can make less, so that only nodes near the way are looked at.
    Raises:
        ValueError: shapes that do not agree, or a node that does not exist.
    Source:
        Hart, Nilsson and Raphael (1968), IEEE Transactions on Systems Science and Cybernetics 4(2).
    Example:
        Two ways from 0 to 3, both of 2 s; somebody stands at 1.
        >>> import numpy as np
        >>> rows = np.array([0, 2, 3, 4, 4]), np.array([1, 2, 3, 3]), np.array([1000] * 4)
        >>> left = np.array([2000, 1000, 1000, 0])
        >>> way_past(*rows, np.zeros(4, bool), np.array([0, 6000, 0, 0]), left, origin=0, sink=3)
        [2, 3]
    """
    nodes = first.shape[0] - 1
    if not shut.shape == delays.shape == left.shape == (nodes,):
        raise ValueError(f"shut, delays, left: wanted shape ({nodes},)")
    if times.shape != ends.shape:
        raise ValueError(f"times: wanted shape {ends.shape}")
    if not 0 <= origin < nodes or not 0 <= sink < nodes:
        raise ValueError(f"no node {origin} or no node {sink}")
    if left[origin] >= FAR:
        return []
    way: list[int] = _way_past(first, ends, times, shut, delays, left, origin, sink).tolist()
    return way
