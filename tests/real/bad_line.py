"""A bad line between driver and PLC: a TCP relay that delays, cuts, and (whole Modbus requests) doubles and reorders.

Rule: it forges nothing. Modbus carries one request a frame, with its length in it, so a frame can be sent twice or held
back until the one after it; the answers to what the driver never sent are kept from it by their transaction number.
OPC UA numbers its chunks in the session, so there a line can only delay and break.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from types import TracebackType

Address = tuple[str, int]

CHUNK = 65_536
MBAP = 6  # transaction, protocol, length: the frame's length stands in its last two bytes
WRITE = 16  # function code of what carries commands and answers
UNIT_AND_FUNCTION = 2
FOREIGN_TRANSACTION = 0xFFFF  # of a doubled frame: its answer is kept from the driver


class Faults:
    """How bad the line is: chances a chunk or frame, and the longest delay."""

    def __init__(
        self, *, lost: float = 0.0, cut: float = 0.0, delay_s: float = 0.0, double: float = 0.0, late: float = 0.0
    ) -> None:
        self.lost = lost  # of a command over Modbus, and once more of its answer
        self.cut = cut
        self.delay_s = delay_s
        self.double = double
        self.late = late


class BadLine:
    """Relays in front of any number of PLCs, on an event loop in a thread of their own; `counts` says what befell."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self.faults = faults
        self.counts = dict.fromkeys(("cut", "delayed", "doubled", "late", "commands", "writes", "lost", "stale"), 0)
        self._struck: dict[str, list[tuple[str, float]]] = {"down": [], "up": []}
        self._is_down = False
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bad line")
        self._answers_flow = asyncio.Event()
        self._answers_flow.set()
        self._servers: list[asyncio.Server] = []
        self._conversations: set[asyncio.Task[None]] = set()

    def __enter__(self) -> BadLine:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def to(self, plc: Address, *, frames: bool) -> Address:
        """Open a relay to this PLC; the address at which the driver is to reach it. `frames`: it speaks Modbus."""
        return asyncio.run_coroutine_threadsafe(self._serve(plc, frames), self._loop).result(10)

    def heal(self) -> None:
        """From now on the line is good."""
        self.faults = Faults()

    def strike(self, what: str, way: str, *, count: int = 1, delay_s: float = 0.0) -> None:
        """The next telegrams on this way are "lost", "delayed", "doubled" or "late" (again, behind the one after).

        Down, over Modbus, it is the next commands and decisions; else whatever comes next. Doubled and late are for
        them only, and a loss in OPC UA, whose chunks are numbered, is the end of the connection.
        """
        self._struck[way].extend([(what, delay_s)] * count)

    def take_down(self) -> None:
        """Every connection is cut, and none is to be had."""
        self._is_down = True
        self._loop.call_soon_threadsafe(self._cut_all)

    def bring_up(self) -> None:
        """Connections are to be had again."""
        self._is_down = False

    def _cut_all(self) -> None:
        for task in tuple(self._conversations):
            task.cancel()

    def hold_answers(self) -> None:
        """From now on nothing comes back from any PLC; what is said to them still arrives."""
        self._loop.call_soon_threadsafe(self._answers_flow.clear)

    def let_answers_go(self) -> None:
        """What was held back comes now, in order; shorter than a reply's timeout, nobody has noticed."""
        self._loop.call_soon_threadsafe(self._answers_flow.set)

    async def _serve(self, plc: Address, frames: bool) -> Address:
        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._conversations.add(task)
            with contextlib.suppress(asyncio.CancelledError):  # by `_close`; nobody else waits for this task
                await self._relay(plc, frames, reader, writer)
            self._conversations.discard(task)

        server = await asyncio.start_server(converse, "127.0.0.1", 0)
        self._servers.append(server)
        host, port = server.sockets[0].getsockname()[:2]
        return host, port

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for task in tuple(self._conversations):
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _relay(
        self, plc: Address, frames: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection, until either side or the line ends it."""
        if self._is_down:
            await _hang_up(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*plc)
        except OSError:
            await _hang_up(writer)
            return
        said: set[int] = set()  # transactions of commands that went out
        there = self._frames_there(reader, far_writer, said) if frames else self._bytes_there(reader, far_writer)
        back = self._frames_back(far_reader, writer, said) if frames else self._bytes_back(far_reader, writer)
        ways = [asyncio.ensure_future(there), asyncio.ensure_future(back)]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await _hang_up(writer)
            await _hang_up(far_writer)

    async def _bytes_there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            if await self._strikes("down") == "lost" or await self._fate():
                return
            writer.write(chunk)
            await writer.drain()

    async def _bytes_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._flowing()
            if await self._strikes("up") == "lost" or await self._fate():
                return
            writer.write(chunk)
            await writer.drain()

    async def _frames_there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: set[int]) -> None:
        """Requests to the PLC. A write may arrive twice, and once more after a later one: an old telegram."""
        old: bytes = b""
        while frame := await _frame(reader):
            writes = frame[MBAP + 1] == WRITE
            struck = await self._strikes("down", old=bool(old)) if writes and _moves_something(frame) else ""
            commands = writes and _writes_command(frame)
            if struck == "lost" or (commands and self._happens(self.faults.lost, "lost")):
                continue
            if await self._fate():
                return
            writer.write(frame)
            if commands:
                said.add(_transaction(frame))
            if writes:
                self.counts["writes"] += 1
                if struck == "doubled" or self._happens(self.faults.double, "doubled"):
                    writer.write(_as_foreign(frame))
                if old and (struck == "late" or self._happens(self.faults.late, "late")):
                    writer.write(_as_foreign(old))
                if commands:
                    self.counts["commands"] += 1
                    old = frame
            await writer.drain()

    async def _frames_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: set[int]) -> None:
        while frame := await _frame(reader):
            if _transaction(frame) == FOREIGN_TRANSACTION:
                continue
            await self._flowing()
            answers_command = _transaction(frame) in said
            said.discard(_transaction(frame))
            if await self._strikes("up") == "lost" or (answers_command and self._happens(self.faults.lost, "lost")):
                continue
            if await self._fate():
                return
            writer.write(frame)
            await writer.drain()

    async def _flowing(self) -> None:
        self.counts["stale"] += not self._answers_flow.is_set()
        await self._answers_flow.wait()

    async def _strikes(self, way: str, *, old: bool = True) -> str:
        """What befalls this telegram by order; a delay is over when this returns. `old`: one was sent before it."""
        waiting = self._struck[way]
        if waiting and waiting[0][0] == "late" and not old:
            return ""
        what, delay_s = waiting.pop(0) if waiting else ("", 0.0)
        if what:
            self.counts[what] += 1
        if delay_s:
            await asyncio.sleep(delay_s)
        return what

    async def _fate(self) -> bool:
        """Delay what goes by; True: the line is cut before it has gone by."""
        if self.faults.delay_s:
            self.counts["delayed"] += 1
            await asyncio.sleep(self._chance.uniform(0, self.faults.delay_s))
        return self._happens(self.faults.cut, "cut")

    def _happens(self, chance: float, what: str) -> bool:
        happens = self._chance.random() < chance
        self.counts[what] += happens
        return happens


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """One whole Modbus frame; empty at the end."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        head = await reader.readexactly(MBAP)
        return head + await reader.readexactly(int.from_bytes(head[4:6], "big"))
    return b""


def _transaction(frame: bytes) -> int:
    return int.from_bytes(frame[:2], "big")


def _as_foreign(frame: bytes) -> bytes:
    return FOREIGN_TRANSACTION.to_bytes(2, "big") + frame[2:]


def _writes_command(frame: bytes) -> bool:
    """Words 1–31 of some device: the telegram that moves a machine."""
    return _word_count(frame) == 31


def _moves_something(frame: bytes) -> bool:
    """A command or a decision; signs of life and acknowledgements are single words."""
    return _word_count(frame) > 1


def _word_count(frame: bytes) -> int:
    return int.from_bytes(frame[MBAP + UNIT_AND_FUNCTION + 2 : MBAP + UNIT_AND_FUNCTION + 4], "big")


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
