"""Whether every vehicle could still go home, one after another: the check that keeps traffic free of deadlock.

Rule: vehicles are taken where their released stretches end, for they drive to there whatever else is granted.
"""

from __future__ import annotations

import numpy as np

from slotting.compiled import BoolArray, IntArray, compiled

ROAD = -1
NOBODY = -2


@compiled("boolean(int64[:], int64[:], boolean[:], int64[:], int64[:], int64, int64, int64, boolean[:], int64[:])")
def _reaches(
    first: IntArray,
    ends: IntArray,
    obstacles: BoolArray,
    home_of: IntArray,
    stands: IntArray,
    vehicle: int,
    origin: int,
    sink: int,
    wanted: BoolArray,
    queue: IntArray,
) -> bool:
    """Whether `vehicle` gets from origin to sink past those who stand; marks as wanted those who hinder it."""
    if origin == sink:
        return True
    seen = np.zeros(first.shape[0] - 1, np.bool_)
    seen[origin] = True
    queue[0] = origin
    head = 0
    tail = 1
    while head < tail:
        node = queue[head]
        head += 1
        for edge in range(first[node], first[node + 1]):
            end = ends[edge]
            if seen[end] or obstacles[end] or (home_of[end] != ROAD and home_of[end] != vehicle):
                continue
            seen[end] = True
            if stands[end] >= 0 and stands[end] != vehicle:
                wanted[stands[end]] = True
                continue
            if end == sink:
                return True
            queue[tail] = end
            tail += 1
    return False


@compiled(
    "void(int64[:], int64[:], boolean[:], int64[:], int64[:], int64, int64, int64, boolean[:], int64[:])",
)
def _mark_on_way(
    first: IntArray,
    ends: IntArray,
    obstacles: BoolArray,
    home_of: IntArray,
    stands: IntArray,
    vehicle: int,
    origin: int,
    sink: int,
    on_way: BoolArray,
    queue: IntArray,
) -> None:
    """Mark who stands on a way with fewest nodes from origin to sink, as if nobody stood anywhere."""
    parent = np.full(first.shape[0] - 1, -1, np.int64)
    parent[origin] = origin
    queue[0] = origin
    head = 0
    tail = 1
    while head < tail and parent[sink] < 0:
        node = queue[head]
        head += 1
        for edge in range(first[node], first[node + 1]):
            end = ends[edge]
            if parent[end] < 0 and not obstacles[end] and (home_of[end] == ROAD or home_of[end] == vehicle):
                parent[end] = node
                queue[tail] = end
                tail += 1
    if parent[sink] < 0:
        return
    node = sink
    while node != origin:
        if stands[node] >= 0 and stands[node] != vehicle:
            on_way[stands[node]] = True
        node = parent[node]


@compiled("boolean(int64[:,:], int64[:], boolean[:], int64[:], int64[:], int64[:], int64, int64)")
def _goes_by_quickest_ways(
    ways_home: IntArray,
    home_rows: IntArray,
    obstacles: BoolArray,
    home: IntArray,
    end_of: IntArray,
    stands: IntArray,
    vehicle: int,
    node: int,
) -> bool:
    """Whether all who stand on the vehicle's quickest way home, and on theirs, and so on, can go one after another."""
    count = end_of.shape[0]
    at = np.empty(count, np.int64)
    state = np.zeros(count, np.int8)  # 1: waits for those above it in the stack; 2: has gone home
    stack = np.empty(count, np.int64)
    at[vehicle] = node
    state[vehicle] = 1
    stack[0] = vehicle
    size = 1
    while size > 0:
        goes = stack[size - 1]
        if at[goes] == home[goes]:
            state[goes] = 2
            size -= 1
            continue
        step = ways_home[home_rows[home[goes]], at[goes]]
        if step < 0 or obstacles[step]:
            return False
        at[goes] = step
        other = stands[step]
        if other >= 0 and other != goes and state[other] != 2:
            if state[other] == 1:
                return False
            at[other] = end_of[other]
            state[other] = 1
            stack[size] = other
            size += 1
    return True


@compiled(
    "boolean(int64[:], int64[:], boolean[:], int64[:], int64[:], int64[:], boolean[:], "
    "int64[:,:], int64[:], int64, int64)"
)
def _can_go_home(
    first: IntArray,
    ends: IntArray,
    obstacles: BoolArray,
    home_of: IntArray,
    home: IntArray,
    end_of: IntArray,
    able: BoolArray,
    ways_home: IntArray,
    home_rows: IntArray,
    vehicle: int,
    node: int,
) -> bool:
    count = end_of.shape[0]
    nodes = first.shape[0] - 1
    stands = np.full(nodes, -1, np.int64)
    for other in range(count):
        if able[other] and other != vehicle:
            stands[end_of[other]] = other
    stands[node] = vehicle
    # Nearly always it is enough to look at one way home of each, and takes a hundredth of the time.
    if _goes_by_quickest_ways(ways_home, home_rows, obstacles, home, end_of, stands, vehicle, node):
        return True
    queue = np.empty(nodes + 1, np.int64)
    wanted = np.zeros(count, np.bool_)
    gone = np.zeros(count, np.bool_)
    if _reaches(first, ends, obstacles, home_of, stands, vehicle, node, home[vehicle], wanted, queue):
        return True
    # Mostly it is enough that those go who stand on one way home; then all who hinder anybody are tried.
    tried = np.zeros(count, np.bool_)
    _mark_on_way(first, ends, obstacles, home_of, stands, vehicle, node, home[vehicle], tried, queue)
    for everybody in (False, True):
        progress = True
        while progress:
            progress = False
            known = wanted.sum()
            for other in range(count):
                if gone[other] or other == vehicle or not (wanted[other] if everybody else tried[other]):
                    continue
                at = end_of[other]
                if _reaches(first, ends, obstacles, home_of, stands, other, at, home[other], wanted, queue):
                    gone[other] = True
                    progress = True
                    if stands[at] == other:
                        stands[at] = -1
            if progress and _reaches(
                first, ends, obstacles, home_of, stands, vehicle, node, home[vehicle], wanted, queue
            ):
                return True
            progress = progress or (everybody and wanted.sum() > known)
    return False


def can_go_home(
    first: IntArray,
    ends: IntArray,
    obstacles: BoolArray,
    home_of: IntArray,
    home: IntArray,
    end_of: IntArray,
    able: BoolArray,
    ways_home: IntArray,
    home_rows: IntArray,
    *,
    vehicle: int,
    node: int,
) -> bool:
    """Whether `vehicle`, standing at `node`, can go home after some of the others have gone home one by one.

    Only those who hinder are tried, and those who hinder them: if any order lets the vehicle home, one made of these
    does, for whoever is first in that order and has not gone is hindered only by vehicles that went before it.

    Args:
        first, ends: shape (nodes + 1,) and (edges,), compressed rows of the track.
        obstacles: shape (nodes,), where nobody can drive.
        home_of: shape (nodes,), ROAD, or for a parking node the vehicle whose home it is or NOBODY. Nobody drives
            through a parking node.
        home, end_of: shape (vehicles,), home of each vehicle and where its released stretch ends.
        able: shape (vehicles,); who is not able stands on obstacles and is not counted.
        ways_home: shape (homes, nodes), the next node from each on a way to each home that enters no other
            parking node, -1 where none is known: tried first, and decide nothing.
        home_rows: shape (nodes,), the row in `ways_home` of each node that is a home.
        vehicle, node: who asks, and where its stretch would end.
    Raises:
        ValueError: shapes that do not agree, or a vehicle or node that does not exist.
    Source:
        Dijkstra (1965), EWD 108 (the banker); Čáp, Vokřínek and Kleiner (2015), ICAPS 25: well-formed roads.
    Example:
        A dead end 0 ⇄ 1 ⇄ 2 with homes 0 and 2: vehicle 0 cannot come home past vehicle 1.
        >>> import numpy as np
        >>> rows = np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1])
        >>> ways = np.array([[-1, 0, 1], [1, 2, -1]]), np.array([0, -1, 1])
        >>> can_go_home(*rows, np.zeros(3, bool), np.array([0, -1, 1]), np.array([0, 2]), np.array([0, 1]),
        ...             np.array([True, True]), *ways, vehicle=0, node=0)
        True
    """
    nodes, vehicles = first.shape[0] - 1, home.shape[0]
    if obstacles.shape != (nodes,) or home_of.shape != (nodes,):
        raise ValueError(f"obstacles, home_of: wanted shape ({nodes},)")
    if end_of.shape != (vehicles,) or able.shape != (vehicles,):
        raise ValueError(f"end_of, able: wanted shape ({vehicles},)")
    if ways_home.shape[1:] != (nodes,) or home_rows.shape != (nodes,):
        raise ValueError(f"ways_home, home_rows: wanted shapes (homes, {nodes}) and ({nodes},)")
    if home_rows.max(initial=-1) >= ways_home.shape[0]:
        raise ValueError(f"home_rows: wanted below {ways_home.shape[0]}")
    if not 0 <= vehicle < vehicles or not 0 <= node < nodes:
        raise ValueError(f"no vehicle {vehicle} or no node {node}")
    return bool(_can_go_home(first, ends, obstacles, home_of, home, end_of, able, ways_home, home_rows, vehicle, node))


@compiled("int64[:](int64[:], int64[:], boolean[:], int64, int64)")
def _free_way(first: IntArray, ends: IntArray, shut: BoolArray, origin: int, sink: int) -> IntArray:
    nodes = first.shape[0] - 1
    parent = np.full(nodes, -1, np.int64)
    parent[origin] = origin
    queue = np.empty(nodes, np.int64)
    queue[0] = origin
    head = 0
    tail = 1
    while head < tail and parent[sink] < 0:
        node = queue[head]
        head += 1
        for edge in range(first[node], first[node + 1]):
            end = ends[edge]
            if parent[end] < 0 and not shut[end]:
                parent[end] = node
                queue[tail] = end
                tail += 1
    if parent[sink] < 0:
        return np.empty(0, np.int64)
    length = 0
    node = sink
    while node != origin:
        length += 1
        node = parent[node]
    way = np.empty(length, np.int64)
    node = sink
    while node != origin:
        length -= 1
        way[length] = node
        node = parent[node]
    return way


def free_way(first: IntArray, ends: IntArray, shut: BoolArray, *, origin: int, sink: int) -> list[int]:
    """The nodes after origin of a way with fewest nodes to sink that enters no shut node; empty if there is none.

    Args:
        first, ends: compressed rows of the track, as above.
        shut: shape (nodes,), which nodes may not be entered.
    Raises:
        ValueError: shapes that do not agree, or a node that does not exist.
    Example:
        >>> import numpy as np
        >>> free_way(np.array([0, 1, 2, 2]), np.array([1, 2]), np.zeros(3, bool), origin=0, sink=2)
        [1, 2]
    """
    nodes = first.shape[0] - 1
    if shut.shape != (nodes,):
        raise ValueError(f"shut: wanted shape ({nodes},)")
    if not 0 <= origin < nodes or not 0 <= sink < nodes:
        raise ValueError(f"no node {origin} or no node {sink}")
    way: list[int] = _free_way(first, ends, shut, origin, sink).tolist()
    return way
