"""What workers, commands and ``doctor`` ask of a store in Redis, beside its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import redis
import redis.asyncio

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.addresses import display_url, normalize_address
from florentin_webhooks.redis.clients import Client, borrowed_client, new_client
from florentin_webhooks.redis.codec.queries import probe
from florentin_webhooks.redis.durability import refuse_unfit_server
from florentin_webhooks.redis.inspection import ServerFacts, inspect_server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from florentin_webhooks.redis.executors.sync import SyncExecutor
    from florentin_webhooks.redis.schema import KeySchema

__all__ = ["ServerAccess"]

A = TypeVar("A")


class ServerAccess:
    """Mixin of a store: its server, its names there, and clients of it."""

    _server: str | Client
    _schema: KeySchema
    _sync: SyncExecutor | None

    is_cluster = False
    """Whether it is spread over the nodes of a cluster."""

    @property
    def location(self) -> tuple[str, bytes]:
        """The server and the prefix, by which two stores are the same one."""
        return normalize_address(self._server), self._schema.prefix

    @property
    def address(self) -> str:
        """Address of the server, without user and password."""
        return display_url(self._server)

    @property
    def schema(self) -> KeySchema:
        """The names of its keys, and their lifetimes."""
        return self._schema

    def record_key(self, fingerprint: str) -> bytes:
        """Return the key of the record of *fingerprint*, in hex; empty for other texts."""
        try:
            return self._schema.record(bytes.fromhex(fingerprint))
        except ValueError:
            return b""

    def warning_key(self, text: str) -> bytes:
        """Return the key that records that a warning was logged."""
        return self._schema.prefix + b"warned:" + text.encode()

    def client(self, longest: float | None = None) -> redis.Redis:
        """Return a new synchronous client of the same server, as a worker needs one.

        With *longest* it waits at most that many seconds for an answer.
        """
        return new_client(self._server, longest)

    def queue_clients(self, longest: float | None = None) -> tuple[redis.Redis, ...]:
        """Return a new synchronous client of each Redis that has a part of its queues."""
        return (self.client(longest),)

    def check_server(self) -> None:
        """Raise :class:`ConfigurationError` if the server is too old and a client can ask."""
        server = self._first_server()
        if not isinstance(server, redis.asyncio.Redis):
            with borrowed_client(server) as client:
                refuse_unfit_server(client, self.address, has_lanes=self.is_cluster)

    def _first_server(self) -> str | Client:
        """Return the server to ask where one answers for all."""
        return self._server

    def inspect(self) -> ServerFacts | None:
        """Return what the server says about itself, None where only asyncio can ask it.

        The caller reports it, so the log of a synchronous program does not.
        """
        server, prefix = self._server, self._schema.prefix.decode()
        if isinstance(server, redis.asyncio.Redis):
            return None
        if self._sync is not None:
            self._sync.skip_check()
        with borrowed_client(server) as client:
            return inspect_server(client, self.address, prefix, replicas=self._schema.replicas)

    def inspect_all(self) -> tuple[ServerFacts, ...]:
        """Return what each of its servers says about itself; none where only asyncio can ask."""
        facts = self.inspect()
        return () if facts is None else (facts,)

    def ask(self, question: Callable[[Any], A]) -> A:
        """Return a client's answer to *question* about keys of others, such as those of a queue.

        Raises :class:`Unavailable` without an answer in time.
        """
        return (self._sync or self._require_blocking()).ask(question)

    def ask_queues(self, question: Callable[[Any], A]) -> Sequence[A]:
        """Return the answers to *question* of each Redis that has a part of its queues.

        Raises :class:`Unavailable` without all of them in time.
        """
        return (self.ask(question),)

    def probe(self, *, writes: bool = False) -> None:
        """Raise :class:`Unavailable` unless the server answers, and *writes* what it is given."""
        (self._sync or self._require_blocking()).run(probe(self._schema, writes=writes))

    def _require_blocking(self) -> NoReturn:
        raise ConfigurationError(
            "This RedisStore has an asyncio client, which a synchronous program cannot use.",
            "Pass RedisStore a URL, which serves both.",
        )
