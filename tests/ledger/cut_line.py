"""A line to a private PostgreSQL that can be cut just when a commit goes over it."""

from __future__ import annotations

import contextlib
import enum
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

SOCKET = ".s.PGSQL.5432"
COMMIT = b"COMMIT\0"  # of a statement said for the first times: later ones go by the name of a prepared one
PIECE = 1 << 16
PATIENCE_S = 30.0


class Cut(enum.Enum):
    """What becomes of the transaction whose commit is cut off."""

    ANSWER_LOST = "the server gets it whole, its answers go nowhere"
    COMMIT_LOST = "the server gets it without its commit"
    COMES_LATE = "the server gets it when the test says so"


class Line:
    """Carries bytes both ways until told to cut the next commit."""

    def __init__(self, folder: Path, url: str) -> None:
        server = make_url(url)
        self.url = server.update_query_dict({"host": str(folder)}).render_as_string()
        self._server = f"{server.query['host']}/{SOCKET}"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / SOCKET))
        self._listening.listen()
        self._next_cut: Cut | None = None
        self._kept: tuple[socket.socket, bytes] | None = None
        self._sockets: list[socket.socket] = [self._listening]
        self._answers_pass = threading.Event()
        self._answers_pass.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next_commit(self, cut: Cut) -> None:
        """Once; what follows is carried again."""
        self._next_cut = cut

    @contextmanager
    def answers_kept_back(self) -> Iterator[None]:
        """What the server answers meanwhile arrives at the end."""
        self._answers_pass.clear()
        try:
            yield
        finally:
            self._answers_pass.set()

    def bring_what_is_late(self) -> None:
        """Give the server the transaction that was kept back; return when it has done with it."""
        assert self._kept is not None
        server, kept = self._kept
        server.settimeout(PATIENCE_S)
        server.sendall(kept)
        server.shutdown(socket.SHUT_WR)
        while server.recv(PIECE):
            pass

    def close(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._sockets += [client, server]
                threading.Thread(target=self._carry_there, args=(client, server), daemon=True).start()
                threading.Thread(target=self._carry_back, args=(server, client), daemon=True).start()

    def _carry_there(self, client: socket.socket, server: socket.socket) -> None:
        said = b""  # since the last cut was asked for
        with contextlib.suppress(OSError):
            while data := client.recv(PIECE):
                cut = self._next_cut
                said = said + data if cut else b""
                if cut is None or (cut is not Cut.COMES_LATE and COMMIT not in said):
                    server.sendall(data)
                elif COMMIT in said:
                    self._next_cut = None
                    client.shutdown(socket.SHUT_RDWR)  # before the server can answer
                    self._end(cut, server, said, data)
                    return
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _end(self, cut: Cut, server: socket.socket, said: bytes, data: bytes) -> None:
        if cut is Cut.COMES_LATE:
            self._kept = (server, said)
            return
        if cut is Cut.ANSWER_LOST:
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def _carry_back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(PIECE):
                self._answers_pass.wait(PATIENCE_S)
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    """A line to the server of this URL, in a folder of its own: a socket's path must be short."""
    folder = Path(tempfile.mkdtemp(prefix="wcs-line-", dir="/tmp"))
    line = Line(folder, url)
    try:
        yield line
    finally:
        line.close()
        shutil.rmtree(folder)
