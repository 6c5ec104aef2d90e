"""The parts of redis-py that are used here; redis-py leaves their types open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

__all__ = [
    "AsyncioClient",
    "Connection",
    "PackedConnection",
    "PackedPool",
    "Pool",
    "RecordConnection",
    "RecordPool",
    "Retry",
    "SyncClient",
    "SyncConnection",
    "SyncPool",
    "Word",
]

Word = bytes | str | int


class SyncClient(Protocol):
    """The part of ``redis.Redis`` that is used here; redis-py leaves its types open."""

    def execute_command(self, *words: Word) -> object:
        """Send one command and return its answer."""
        ...

    def info(self) -> Mapping[str, object]:
        """Return the server's INFO."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...

    @property
    def auto_close_connection_pool(self) -> bool:
        """Whether the pool is its own."""
        ...

    @property
    def connection_pool(self) -> SyncPool:
        """Pool that the client takes its connections from."""
        ...


class SyncConnection(Protocol):
    """The part of redis-py's synchronous connection that is used here."""

    def disconnect(self) -> None:
        """Close the socket; the next command opens a new one."""
        ...


class SyncPool(Protocol):
    """The part of redis-py's synchronous connection pool that is used here."""

    @property
    def connection_kwargs(self) -> Mapping[str, object]:
        """Arguments of each new connection."""
        ...

    def get_connection(self) -> SyncConnection:
        """Check a connection out."""
        ...

    def release(self, connection: SyncConnection) -> None:
        """Check a connection in."""
        ...


class Retry(Protocol):
    """The part of redis-py's retries that is used here."""

    def call_with_retry(
        self, do: Callable[[], object], fail: Callable[[Exception], None], /
    ) -> object:
        """Return what *do* returns, and call *fail* before it is called again."""
        ...


class PackedConnection(SyncConnection, Protocol):
    """A synchronous connection that sends encoded commands, and its retries."""

    @property
    def retry(self) -> Retry:
        """How often a command is sent again."""
        ...

    def send_packed_command(self, command: Sequence[bytes]) -> None:
        """Send one command, in parts; connects first where that is needed."""
        ...

    def read_response(self) -> object:
        """Return the answer; raises it where it is an error."""
        ...


class PackedPool(Protocol):
    """The part of redis-py's pool that packed calls use."""

    def get_connection(self) -> PackedConnection:
        """Check a connection out; raises where all of them are, and stay so."""
        ...

    def release(self, connection: PackedConnection) -> None:
        """Check a connection in."""
        ...


class RecordConnection(SyncConnection, Protocol):
    """A synchronous connection with several commands under way."""

    def send_command(self, *words: Word, check_health: bool) -> None:
        """Send one command, whose answer is read later."""
        ...

    def read_response(self) -> object:
        """Return the answer to the first command that has none; raises it where it is an error."""
        ...


class RecordPool(Protocol):
    """The part of redis-py's pool that pipelines use."""

    def get_connection(self) -> RecordConnection:
        """Check a connection out; raises where all of them are."""
        ...

    def release(self, connection: RecordConnection) -> None:
        """Check a connection in."""
        ...

    def disconnect(self) -> None:
        """Close all connections."""
        ...


class Connection(Protocol):
    """The part of redis-py's asyncio connection that is used here."""

    def send_command(self, *words: Word, check_health: bool) -> Awaitable[None]:
        """Send one command."""
        ...

    def read_response(self) -> Awaitable[object]:
        """Return the answer to it; raises it where it is an error."""
        ...

    def disconnect(self) -> Awaitable[None]:
        """Close the connection."""
        ...


class Pool(Protocol):
    """The part of redis-py's asyncio connection pool that is used here."""

    @property
    def connection_kwargs(self) -> Mapping[str, object]:
        """Arguments of each new connection."""
        ...

    def get_connection(self) -> Awaitable[Connection]:
        """Check a connection out."""
        ...

    def release(self, connection: Connection) -> Awaitable[None]:
        """Check a connection in."""
        ...


class AsyncioClient(Protocol):
    """The part of ``redis.asyncio.Redis`` that is used here."""

    @property
    def connection_pool(self) -> Pool:
        """Pool that the client takes its connections from."""
        ...

    def aclose(self) -> Awaitable[None]:
        """Close all connections."""
        ...
