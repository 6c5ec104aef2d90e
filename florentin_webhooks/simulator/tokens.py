"""Bearer tokens, ``<id>|<secret>``: only a digest of the secret is stored."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.times import to_iso
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

__all__ = ["Scope", "Token", "Tokens"]

_TOKEN = re.compile(r"(\d{1,15})\|([!-{}~]{6,200})")
_BEARER = re.compile(rf"[Bb]earer +{_TOKEN.pattern}")
_NO_DIGEST = bytes(32)


class Scope(StrEnum):
    """What a token may do."""

    READ = "api:read"
    WRITE = "api:write"
    ADMIN = "api:admin"


class Token(NamedTuple):
    """A token without its secret."""

    id: int
    name: str
    scopes: frozenset[Scope]

    def to_json(self) -> dict[str, object]:
        """Return what the API shows of it."""
        return {"id": str(self.id), "name": self.name, "scopes": sorted(self.scopes)}


class Tokens:
    """The tokens in a database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def issue(self, name: str, scopes: Iterable[Scope]) -> tuple[Token, str]:
        """Create a token and return it with its text, which is not stored."""
        secret = token_urlsafe(30)
        token = self._insert(None, secret, name, scopes)
        return token, f"{token.id}|{secret}"

    def put(self, text: str, name: str, scopes: Iterable[Scope]) -> Token:
        """Store the token *text*, in the place of one with its id.

        Raises :class:`ConfigurationError` for a text of another form.
        """
        found = _TOKEN.fullmatch(text)
        if found is None:
            raise ConfigurationError(
                "The token does not have the form <id>|<secret>.",
                "Write a number, a bar and at least 6 visible characters: '42|secret'.",
            )
        self.revoke(int(found[1]))
        return self._insert(int(found[1]), found[2], name, scopes)

    def find(self, authorization: str | None) -> Token | None:
        """Return the token in the value of an Authorization header, or None."""
        found = _BEARER.fullmatch(authorization or "")
        if found is None:
            return None
        query = "SELECT name, digest, scopes FROM tokens WHERE id = ?"
        row = self._connection.execute(query, (int(found[1]),)).fetchone()
        name, digest, scopes = row or ("", _NO_DIGEST, "")
        if not compare_digest(_digest(found[2]), digest) or row is None:
            return None
        return _token(int(found[1]), name, scopes)

    def page(self, size: int, offset: int) -> tuple[list[Token], int]:
        """Return *size* tokens after the first *offset*, and the number of all."""
        query = "SELECT id, name, scopes FROM tokens ORDER BY id LIMIT ? OFFSET ?"
        rows = self._connection.execute(query, (size, offset)).fetchall()
        (total,) = self._connection.execute("SELECT COUNT(*) FROM tokens").fetchone()
        return [_token(*row) for row in rows], total

    def revoke(self, number: int) -> Token | None:
        """Delete a token and return it, or None if there is none."""
        query = "DELETE FROM tokens WHERE id = ? RETURNING id, name, scopes"
        row = self._connection.execute(query, (number,)).fetchone()
        return _token(*row) if row else None

    def _insert(self, number: int | None, secret: str, name: str, scopes: Iterable[Scope]) -> Token:
        listed = " ".join(sorted(scopes))
        cursor = self._connection.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?)",
            (number, name, _digest(secret), listed, to_iso(datetime.now(UTC))),
        )
        return _token(cursor.lastrowid or 0, name, listed)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _token(number: int, name: str, scopes: str) -> Token:
    return Token(number, name, frozenset(map(Scope, scopes.split())))
