"""The commands that a server has executed, those of its scripts among them."""

from __future__ import annotations

import re
from codecs import escape_decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast
from uuid import uuid4

import redis

_LINE = re.compile(rb"[\d.]+ \[\d+ (?P<client>[^\]]*)\] (?P<words>.*)", re.DOTALL)
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SEVERAL_KEYS = {b"DEL", b"EXISTS"}
_CONTAINERS = {b"CLIENT", b"SCRIPT", b"CONFIG", b"ACL"}


class Executed(NamedTuple):
    """One command; with *declared*, the keys of its call, if a script has executed it."""

    words: tuple[bytes, ...]
    declared: frozenset[bytes] | None = None

    @property
    def name(self) -> str:
        """Its name as access control writes it."""
        name, *rest = self.words
        if name.upper() in _CONTAINERS and rest:
            name += b"|" + rest[0]
        return name.decode().lower()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys of a command that a script has executed."""
        name, *rest = self.words
        if not rest:
            return ()
        return tuple(rest) if name.upper() in _SEVERAL_KEYS else (rest[0],)


@contextmanager
def monitored(url: str) -> Iterator[list[Executed]]:
    """Yield a list that afterwards has every command of all clients."""
    found: list[Executed] = []
    with redis.Redis.from_url(url) as client, redis.Redis.from_url(url) as other:
        other.ping()
        connection: Any = client.connection_pool.get_connection()  # Any: redis-py's.
        connection.send_command("MONITOR")
        connection.read_response()
        yield found
        marker = uuid4().hex.encode()
        other.echo(marker)
        found += _executed(connection, marker)
        connection.disconnect()


def _executed(connection: Any, marker: bytes) -> Iterator[Executed]:  # Any: as above.
    declared: frozenset[bytes] = frozenset()
    while True:
        match = _LINE.match(cast("bytes", connection.read_response()))
        assert match is not None
        words = tuple(escape_decode(word)[0] for word in _WORD.findall(match["words"]))
        if words == (b"ECHO", marker):
            return
        if match["client"] == b"lua":
            yield Executed(words, declared)
            continue
        if words[0].upper() in (b"EVAL", b"EVALSHA"):
            declared = frozenset(words[3 : 3 + int(words[2])])
        yield Executed(words)
