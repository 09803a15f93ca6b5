"""The world as a PLC process sees it: a blocking client with an image of the places it senses.

Rule: `refresh` brings the image up to date at the start of a scan, as a PLC reads its inputs; every move is decided by
the world process. A call whose answer was lost is asked again with the same counter, so nothing is moved twice.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterable

import msgspec

from devices.machines.machine import Load
from devices.machines.world import WorldRefused
from devices.virtual_plc.plant_clock import ClockOrigin, PlantClock
from devices.virtual_plc.world_calls import (
    LINE_BYTES_MAX,
    Answer,
    AskClock,
    Call,
    ClockSaid,
    Look,
    Move,
    NotNow,
    PlaceState,
    Refused,
    Sense,
    States,
    Wire,
    answer_decoder,
    as_line,
)

CALL_S_MAX = 5.0  # connecting again included; a world that is away for longer is away
RETRY_PAUSE_S = 0.05
NOT_NOW_PAUSE_S = 0.25  # the building stands until its log has room again: a person has to make it


class WorldUnreachable(Exception):
    """The world process did not answer within CALL_S_MAX."""


class WorldLink:
    """One blocking connection that asks again until it is answered, for a bounded time."""

    def __init__(self, address: tuple[str, int], name: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._rest = b""
        self._counter = 0
        self._turn = threading.Lock()  # a cancelled asyncio caller may leave a call under way in its thread
        self.caller = f"{name}:{uuid.uuid4().hex[:12]}"
        self.generation = 0

    def next_counter(self) -> int:
        """The counter of the next call that changes something."""
        self._counter += 1
        return self._counter

    def ask(self, call: Call, *, within_s: float = CALL_S_MAX) -> Answer:
        """The answer; raises WorldRefused if it is a refusal, WorldUnreachable if there is none."""
        with self._turn:
            return self._ask(call, time.monotonic() + within_s)

    def close(self) -> None:
        """Hang up; the next call connects again."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._rest = b""

    def _ask(self, call: Call, deadline: float) -> Answer:
        while True:
            try:
                answer = self._ask_once(call, deadline)
            except OSError as error:
                self.close()
                if time.monotonic() + RETRY_PAUSE_S > deadline:
                    raise WorldUnreachable(f"{self._address}: {error}") from error
                time.sleep(RETRY_PAUSE_S)
                continue
            if isinstance(answer, NotNow):
                time.sleep(NOT_NOW_PAUSE_S)
                deadline = time.monotonic() + CALL_S_MAX
                continue
            if isinstance(answer, Refused):
                raise WorldRefused(answer.reason)
            return answer

    def _ask_once(self, call: Call, deadline: float) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, max(RETRY_PAUSE_S, deadline - time.monotonic()))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.generation += 1
        self._socket.settimeout(max(RETRY_PAUSE_S, deadline - time.monotonic()))
        self._socket.sendall(as_line(call))
        data = bytearray(self._rest)
        while (end := data.find(b"\n")) < 0:
            received = self._socket.recv(1 << 18)
            if not received or len(data) > LINE_BYTES_MAX:
                raise ConnectionError("the world process hung up")
            data += received
        self._rest = bytes(data[end + 1 :])
        return answer_decoder.decode(bytes(data[:end]))


class RemoteWorld:
    """Implements the machines' `World` over a connection to the world process."""

    def __init__(self, address: tuple[str, int], name: str) -> None:
        self._link = WorldLink(address, name)
        self._watched: tuple[str, ...] = ()
        self._generation = 0
        self._image: dict[str, PlaceState] = {}
        self._listening: dict[str, list[set[str]]] = {}
        self._wires: dict[tuple[str, bool], bool] = {}
        self.changes = 0

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    def clock(self) -> PlantClock:
        """Plant time, as the world process counts it."""
        return PlantClock(self.clock_origin())

    def clock_origin(self) -> ClockOrigin:
        """From where the world process counts plant time now."""
        answer = self._link.ask(AskClock())
        assert isinstance(answer, ClockSaid)
        return answer.origin

    def watch(self, places: tuple[str, ...]) -> None:
        """Sense these places from now on."""
        self._watched = places
        self._sense_all()

    def refresh(self) -> bool:
        """Read what changed at the watched places since the last scan; says whether anything did."""
        answer = self._link.ask(Sense())
        if self._generation != self._link.generation:  # a new connection watches nothing yet
            return self._sense_all()
        assert isinstance(answer, States)
        return self._take(answer)

    def loads(self, place: str) -> tuple[Load, ...]:
        """What stands there, in order of arrival."""
        return self._state(place).loads

    def accepts(self, place: str) -> bool:
        """Wire from the taker: it would take a load at this place now."""
        return self._state(place).accepts

    def engaged(self, place: str) -> bool:
        """Wire from the giver: its fork or load handler reaches into this place."""
        return self._state(place).engaged

    def set_accepts(self, place: str, accepts: bool) -> None:
        """The taker's machine sets its wire."""
        self._set_wire(place, False, accepts)

    def set_engaged(self, place: str, engaged: bool) -> None:
        """The machine that reaches into the place sets its wire."""
        self._set_wire(place, True, engaged)

    def move(self, number: int, source: str, sink: str, *, by: str, now_ms: int) -> None:
        """Move one load; raises WorldRefused (and changes nothing) if it is not at source or sink is full."""
        link = self._link
        counter = link.next_counter()
        call = Move(number=number, source=source, sink=sink, by=by, now_ms=now_ms, caller=link.caller, counter=counter)
        answer = link.ask(call)
        assert isinstance(answer, States)
        self._take(answer)
        self.changes += 1

    def listen(self, places: Iterable[str]) -> set[str]:
        """A set into which each of these (watched) places is put when something changed there."""
        changed: set[str] = set()
        for place in places:
            self._listening.setdefault(place, []).append(changed)
        return changed

    def _state(self, place: str) -> PlaceState:
        state = self._image.get(place)
        if state is not None:
            return state
        answer = self._link.ask(Look(places=(place,)))
        assert isinstance(answer, States)
        return answer.places[place]

    def _sense_all(self) -> bool:
        answer = self._link.ask(Sense(watch=self._watched))
        if self._generation != self._link.generation:  # a world process that began anew knows no wires
            self._generation = self._link.generation
            for (place, engaged), value in self._wires.items():
                self._link.ask(Wire(place=place, engaged=engaged, value=value))
            answer = self._link.ask(Sense(watch=self._watched))
        assert isinstance(answer, States)
        self._image = dict(answer.places)
        self._count(answer)
        return True

    def _take(self, states: States) -> bool:
        self._count(states)
        known = {place: state for place, state in states.places.items() if place in self._image}
        changed = any(self._image[place] != state for place, state in known.items())
        self._image.update(known)
        return changed

    def _count(self, states: States) -> None:
        for place in states.places:
            self._tell(place)

    def _tell(self, place: str) -> None:
        for changed in self._listening.get(place, ()):
            changed.add(place)

    def _set_wire(self, place: str, engaged: bool, value: bool) -> None:
        if self._wires.get((place, engaged)) == value:
            return
        self._link.ask(Wire(place=place, engaged=engaged, value=value))
        self._wires[place, engaged] = value
        state = self._image.get(place)
        if state is not None:
            changed = {"engaged": value} if engaged else {"accepts": value}
            self._image[place] = msgspec.structs.replace(state, **changed)
            self._tell(place)
        self.changes += 1
