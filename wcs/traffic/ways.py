"""The quickest way past those who drive and stand now.

Rule: a node that another holds costs the time it is likely to stay so, on top of the driving; on an empty track this
is the quickest way, and of equally quick ways the one over the lowest node indices is taken.
"""

from __future__ import annotations

import numpy as np

from slotting.compiled import BoolArray, IntArray, compiled

NEVER = 1 << 60


@compiled("int64[:](int64[:], int64[:], int64[:], boolean[:], int64[:], int64, int64)")
def _way_past(
    first: IntArray, ends: IntArray, times: IntArray, shut: BoolArray, delays: IntArray, origin: int, sink: int
) -> IntArray:
    nodes = first.shape[0] - 1
    best = np.full(nodes, NEVER, np.int64)
    parent = np.full(nodes, -1, np.int64)
    done = np.zeros(nodes, np.bool_)
    keys = np.empty(ends.shape[0] + 1, np.int64)  # a binary heap of (time, node)
    heap = np.empty(ends.shape[0] + 1, np.int64)
    best[origin] = 0
    keys[0] = 0
    heap[0] = origin
    size = 1
    while size > 0:
        time, node = keys[0], heap[0]
        size -= 1
        key, last = keys[size], heap[size]
        place = 0
        while 2 * place + 1 < size:
            child = 2 * place + 1
            other = child + 1
            if other < size and (
                keys[other] < keys[child] or (keys[other] == keys[child] and heap[other] < heap[child])
            ):
                child = other
            if not (keys[child] < key or (keys[child] == key and heap[child] < last)):
                break
            keys[place], heap[place] = keys[child], heap[child]
            place = child
        keys[place], heap[place] = key, last
        if done[node]:
            continue
        done[node] = True
        if node == sink:
            break
        for edge in range(first[node], first[node + 1]):
            end = ends[edge]
            if done[end] or (shut[end] and end != sink):
                continue
            through = time + times[edge] + delays[end]
            if through < best[end]:
                best[end] = through
                parent[end] = node
                place = size
                size += 1
                while place > 0:
                    above = (place - 1) // 2
                    if not (through < keys[above] or (through == keys[above] and end < heap[above])):
                        break
                    keys[place], heap[place] = keys[above], heap[above]
                    place = above
                keys[place], heap[place] = through, end
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
    first: IntArray, ends: IntArray, times: IntArray, shut: BoolArray, delays: IntArray, *, origin: int, sink: int
) -> list[int]:
    """The nodes after origin of the quickest way to sink; empty if there is none (or origin is sink).

    Args:
        first, ends: shape (nodes + 1,) and (edges,), compressed rows of the track.
        times: shape (edges,), driving time of each edge, > 0, ms.
        shut: shape (nodes,), which nodes no way leads through; it may begin or end there.
        delays: shape (nodes,), ms that entering a node is likely to cost beyond the driving, >= 0.
    Raises:
        ValueError: shapes that do not agree, or a node that does not exist.
    Source:
        Dijkstra (1959), Numerische Mathematik 1.
    Example:
        Two ways from 0 to 3, both of 2 s; somebody stands at 1.
        >>> import numpy as np
        >>> rows = np.array([0, 2, 3, 4, 4]), np.array([1, 2, 3, 3]), np.array([1000] * 4)
        >>> way_past(*rows, np.zeros(4, bool), np.array([0, 6000, 0, 0]), origin=0, sink=3)
        [2, 3]
    """
    nodes = first.shape[0] - 1
    if shut.shape != (nodes,) or delays.shape != (nodes,):
        raise ValueError(f"shut, delays: wanted shape ({nodes},)")
    if times.shape != ends.shape:
        raise ValueError(f"times: wanted shape {ends.shape}")
    if not 0 <= origin < nodes or not 0 <= sink < nodes:
        raise ValueError(f"no node {origin} or no node {sink}")
    way: list[int] = _way_past(first, ends, times, shut, delays, origin, sink).tolist()
    return way
