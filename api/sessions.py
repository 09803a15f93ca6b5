"""Signing in to the page: a link that works once, then a cookie; and how often strangers may try.

Rule: codes and sessions live in memory only; after a restart the link is asked for anew. They are touched on the event
loop alone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable

from api.tokens import Scope, Token, digest_of

CODE_LIFE_S = 600  # long enough to walk to a browser
SESSION_LIFE_S = 12 * 3600  # a long shift
CODES_MAX = 100
SESSIONS_MAX = 1_000  # beyond it the oldest ends
FAILURES_MAX = 10  # failed tries a minute and address: nobody mistypes a token more often
FAILURE_WINDOW_S = 60
ADDRESSES_MAX = 10_000


class Sessions:
    """One-time codes and the sessions that they opened."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._codes: dict[str, tuple[float, Token]] = {}
        self._sessions: dict[str, tuple[float, Token]] = {}

    def make_code(self, actor: str, scopes: Iterable[Scope | str]) -> str:
        """A code for one sign-in as `actor`."""
        code = secrets.token_urlsafe(32)
        token = Token(digest="", actor=actor, scopes=tuple(Scope(s) for s in scopes), created_ms=0)
        _keep(self._codes, digest_of(code), (self._now_s() + CODE_LIFE_S, token), CODES_MAX)
        return code

    def sign_in(self, code: str) -> str | None:
        """Use a code up; returns the cookie's words, or None if the code is void."""
        until_s, token = self._codes.pop(digest_of(code), (0.0, None))
        if token is None or until_s < self._now_s():
            return None
        words = secrets.token_urlsafe(32)
        _keep(self._sessions, digest_of(words), (self._now_s() + SESSION_LIFE_S, token), SESSIONS_MAX)
        return words

    def find(self, words: str) -> Token | None:
        until_s, token = self._sessions.get(digest_of(words), (0.0, None))
        return token if until_s >= self._now_s() else None

    def revoke(self, actor: str) -> tuple[int, int]:
        """End all of an actor's; returns how many sessions and how many unused codes were still good."""
        return self._forget(self._sessions, actor), self._forget(self._codes, actor)

    def _forget(self, kept: dict[str, tuple[float, Token]], actor: str) -> int:
        void = [(key, until_s) for key, (until_s, token) in kept.items() if token.actor == actor]
        for key, _ in void:
            del kept[key]
        return sum(until_s >= self._now_s() for _, until_s in void)


def _keep(kept: dict[str, tuple[float, Token]], key: str, value: tuple[float, Token], count_max: int) -> None:
    while len(kept) >= count_max:
        del kept[next(iter(kept))]
    kept[key] = value


class FailedTries:
    """Counts failed authentications by address. A good token is never refused for another's failures."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._tries: dict[str, tuple[float, int]] = {}

    def too_many(self, address: str) -> bool:
        """Note one more failure; True if there were too many."""
        since_s, count = self._tries.pop(address, (self._now_s(), 0))
        if self._now_s() - since_s > FAILURE_WINDOW_S:
            since_s, count = self._now_s(), 0
        while len(self._tries) >= ADDRESSES_MAX:
            del self._tries[next(iter(self._tries))]
        self._tries[address] = (since_s, count + 1)
        return count + 1 > FAILURES_MAX
