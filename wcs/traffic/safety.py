"""Whether every vehicle could still go home, one after another: the check that keeps traffic free of deadlock.

Rule: vehicles are taken where their released stretches end, for they drive to there whatever else is granted.
"""

from __future__ import annotations

import numpy as np

from slotting.compiled import BoolArray, IntArray, compiled

ROAD = -1
NOBODY = -2
WAY_NODES_MAX = 256  # of a way home that is remembered: on a track of five-metre lanes, a kilometre


@compiled(
    "boolean(int64[:], int64[:], boolean[:], int64[:], int64[:], int64, int64, int64, boolean[:], int64[:], int64[:])"
)
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
    parent: IntArray,
) -> bool:
    """Whether `vehicle` gets from origin to sink past those who stand; marks as wanted those who hinder it."""
    parent[:] = -1
    parent[origin] = origin
    if origin == sink:
        return True
    queue[0] = origin
    head = 0
    tail = 1
    while head < tail:
        node = queue[head]
        head += 1
        for edge in range(first[node], first[node + 1]):
            end = ends[edge]
            if parent[end] >= 0 or obstacles[end] or (home_of[end] != ROAD and home_of[end] != vehicle):
                continue
            parent[end] = node
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


@compiled("void(int64[:], int64[:,:], int64, int64, int64, int64[:])")
def _remember(lengths: IntArray, ways: IntArray, vehicle: int, origin: int, sink: int, parent: IntArray) -> None:
    """Keep the way that was found, its ends included; one that is too long for that is searched for each time."""
    length = 1
    node = sink
    while node != origin:
        length += 1
        node = parent[node]
    if length > ways.shape[1]:
        lengths[vehicle] = 0
        return
    lengths[vehicle] = length
    node = sink
    for step in range(length - 1, -1, -1):
        ways[vehicle, step] = node
        node = parent[node]


@compiled(
    "int64(boolean[:], int64[:], int64[:], boolean[:], int64[:], int64[:], int64[:,:], int64[:], int64, boolean[:], "
    "int64[:])"
)
def _go_as_remembered(
    obstacles: BoolArray,
    home: IntArray,
    end_of: IntArray,
    able: BoolArray,
    order: IntArray,
    lengths: IntArray,
    ways: IntArray,
    stands: IntArray,
    vehicle: int,
    gone: BoolArray,
    went: IntArray,
) -> int:
    """Send home, in their order, all but `vehicle` whose remembered way is free now; how many went."""
    count = 0
    for other in order:
        length = lengths[other]
        if other == vehicle or not able[other] or length == 0:
            continue
        at = end_of[other]
        free = ways[other, 0] == at and ways[other, length - 1] == home[other]
        step = 1
        while free and step < length:
            node = ways[other, step]
            free = not obstacles[node] and (stands[node] < 0 or stands[node] == other)
            step += 1
        if free:
            gone[other] = True
            if stands[at] == other:
                stands[at] = -1
            went[count] = other
            count += 1
    return count


@compiled(
    "boolean(int64[:], int64[:], boolean[:], int64[:], int64[:], int64[:], boolean[:], int64[:], int64[:], int64[:,:], "
    "int64, int64)"
)
def _can_go_home(
    first: IntArray,
    ends: IntArray,
    obstacles: BoolArray,
    home_of: IntArray,
    home: IntArray,
    end_of: IntArray,
    able: BoolArray,
    order: IntArray,
    lengths: IntArray,
    ways: IntArray,
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
    queue = np.empty(nodes + 1, np.int64)
    parent = np.empty(nodes, np.int64)
    wanted = np.zeros(count, np.bool_)
    gone = np.zeros(count, np.bool_)
    went = np.empty(count, np.int64)
    size = _go_as_remembered(obstacles, home, end_of, able, order, lengths, ways, stands, vehicle, gone, went)
    rows = (first, ends, obstacles, home_of, stands)
    goes = _reaches(*rows, vehicle, node, home[vehicle], wanted, queue, parent)
    # Mostly it is enough that those go who stand on one way home; then all who hinder anybody are tried.
    tried = np.zeros(count, np.bool_)
    if not goes:
        _mark_on_way(*rows, vehicle, node, home[vehicle], tried, queue)
    for everybody in (False, True):
        progress = True
        while progress and not goes:
            progress = False
            known = wanted.sum()
            for other in range(count):
                if gone[other] or other == vehicle or not (wanted[other] if everybody else tried[other]):
                    continue
                at = end_of[other]
                if _reaches(*rows, other, at, home[other], wanted, queue, parent):
                    _remember(lengths, ways, other, at, home[other], parent)
                    gone[other] = True
                    went[size] = other
                    size += 1
                    progress = True
                    if stands[at] == other:
                        stands[at] = -1
            goes = progress and _reaches(*rows, vehicle, node, home[vehicle], wanted, queue, parent)
            progress = progress or (everybody and wanted.sum() > known)
    if goes:
        _remember(lengths, ways, vehicle, node, home[vehicle], parent)
        gone[vehicle] = True
        went[size] = vehicle
        size += 1
        for other in order:
            if not gone[other]:
                went[size] = other
                size += 1
        order[:] = went
    return goes


class WaysHome:
    """Ways home that were free when they were last looked for, and the order in which vehicles went by them.

    As long as nearly everybody can go as last time, only the one that asks is searched for. They decide nothing: each
    way is looked along anew, and who cannot go by its own is searched for as if nothing was remembered.
    """

    def __init__(self, vehicles: int) -> None:
        self.order: IntArray = np.arange(vehicles)
        self.lengths: IntArray = np.zeros(vehicles, np.int64)
        self.ways: IntArray = np.zeros((vehicles, WAY_NODES_MAX), np.int64)


def can_go_home(
    first: IntArray,
    ends: IntArray,
    obstacles: BoolArray,
    home_of: IntArray,
    home: IntArray,
    end_of: IntArray,
    able: BoolArray,
    remembered: WaysHome,
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
        remembered: of these vehicles on this track; the ways that are found now are kept there.
        vehicle, node: who asks, and where its stretch would end.
    Raises:
        ValueError: shapes that do not agree, or a vehicle or node that does not exist.
    Source:
        Dijkstra (1965), EWD 108 (the banker); Čáp, Vokřínek and Kleiner (2015), ICAPS 25: well-formed roads.
    Example:
        A dead end 0 ⇄ 1 ⇄ 2 with homes 0 and 2: vehicle 0 cannot come home past vehicle 1.
        >>> import numpy as np
        >>> rows = np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1])
        >>> can_go_home(*rows, np.zeros(3, bool), np.array([0, -1, 1]), np.array([0, 2]), np.array([0, 1]),
        ...             np.array([True, True]), WaysHome(2), vehicle=0, node=0)
        True
    """
    nodes, vehicles = first.shape[0] - 1, home.shape[0]
    if obstacles.shape != (nodes,) or home_of.shape != (nodes,):
        raise ValueError(f"obstacles, home_of: wanted shape ({nodes},)")
    if end_of.shape != (vehicles,) or able.shape != (vehicles,):
        raise ValueError(f"end_of, able: wanted shape ({vehicles},)")
    if remembered.order.shape != (vehicles,):
        raise ValueError(f"remembered: wanted those of {vehicles} vehicles")
    if not 0 <= vehicle < vehicles or not 0 <= node < nodes:
        raise ValueError(f"no vehicle {vehicle} or no node {node}")
    kept = remembered.order, remembered.lengths, remembered.ways
    return bool(_can_go_home(first, ends, obstacles, home_of, home, end_of, able, *kept, vehicle, node))


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
