"""API tokens: random, shown once, stored as SHA-256, each with an actor and its scopes.

Rule: whoever acts has a name. A token has 256 random bits, so a plain hash is enough, and looking one up by its hash
tells a stranger nothing through time. Tokens are few: all are held in memory, the table is read at the start.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
import time
from collections.abc import Iterable

import sqlalchemy as sa

from wcs.ledger import migrate
from wcs.ledger.database import engine_for
from wcs.ledger.tables import api_token
from wcs.plant.model import Record

TOKEN_BYTES = 32
TOKEN_PREFIX = "wcs_"  # so that a leaked token is recognised by those who look for such


class Scope(enum.StrEnum):
    """What a token may do; each includes `read`, `admin` includes all."""

    READ = "read"
    ORDER = "order"
    OPERATE = "operate"
    ADMIN = "admin"


class Token(Record):
    """A token as it is known here: never its words."""

    digest: str
    actor: str
    scopes: tuple[Scope, ...]
    created_ms: int

    def allows(self, scope: Scope) -> bool:
        return scope is Scope.READ or scope in self.scopes or Scope.ADMIN in self.scopes


def digest_of(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


class TokenStore:
    """The tokens of one site, in its own database."""

    def __init__(self, url: str) -> None:
        self.engine = engine_for(url).execution_options(wcs_writer=True)
        migrate.upgrade(self.engine)
        self._tokens: dict[str, Token] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(sa.select(api_token)):
                scopes = tuple(Scope(s) for s in row.scopes.split())
                token = Token(digest=row.digest, actor=row.actor, scopes=scopes, created_ms=row.created_ms)
                self._tokens[token.digest] = token

    def make(self, actor: str, scopes: Iterable[Scope | str]) -> str:
        """Make a token and return its words: they are shown this once and stored nowhere."""
        words = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        token = Token(
            digest=digest_of(words),
            actor=actor,
            scopes=tuple(Scope(s) for s in scopes),
            created_ms=time.time_ns() // 1_000_000,
        )
        with self.engine.begin() as connection:
            connection.execute(
                api_token.insert().values(
                    digest=token.digest, actor=actor, scopes=" ".join(token.scopes), created_ms=token.created_ms
                )
            )
        self._tokens[token.digest] = token
        return words

    def find(self, words: str) -> Token | None:
        return self._tokens.get(digest_of(words))

    def revoke(self, actor: str) -> int:
        """Make all tokens of an actor void; returns how many there were."""
        with self.engine.begin() as connection:
            connection.execute(api_token.delete().where(api_token.c.actor == actor))
        void = [t.digest for t in self._tokens.values() if t.actor == actor]
        for digest in void:
            del self._tokens[digest]
        return len(void)

    def listed(self) -> list[Token]:
        return list(self._tokens.values())

    def close(self) -> None:
        self.engine.dispose()
