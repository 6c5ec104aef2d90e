"""Redis behind Sentinel: a URL that names Sentinels and a service, and pools for its primary.

Each new connection asks the Sentinels where the primary is, so a fail-over costs no restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, cast
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import redis
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.connection
import redis.retry
import redis.sentinel
from redis.backoff import NoBackoff

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.addresses import SENTINEL_SCHEMES, Node, parse_nodes
from florentin_webhooks.redis.failures import Failure, NoPrimaryError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "CONNECTIONS",
    "SentinelAddress",
    "create_asyncio_pool",
    "create_sync_pool",
    "parse_sentinel",
]

_PORT = 26379
_WAITS = 0.4
"""Seconds for all Sentinels together, which is as much as a server that hangs may cost."""
_LONGEST_WAIT = 0.2
_SHORTEST_WAIT = 0.1
_FORM = "Write it as redis+sentinel://host:26379,host2:26379/service/0, or rediss+sentinel://…."
_LOGIN = {"sentinel_username": "username", "sentinel_password": "password"}


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """The *sentinels* to ask for the primary of *service*, and redis-py's options of connections.

    *server* are those of connections to the primary, *sentinel* those of connections to Sentinels.
    """

    sentinels: tuple[Node, ...]
    service: str
    server: Mapping[str, Any] = field(repr=False)  # Any: redis-py's options. One is a password.
    sentinel: Mapping[str, Any] = field(repr=False)

    @property
    def wait(self) -> float:
        """The longest wait for one Sentinel, in seconds."""
        return min(_LONGEST_WAIT, max(_SHORTEST_WAIT, _WAITS / len(self.sentinels)))


def parse_sentinel(url: str) -> SentinelAddress:
    """Return the address in *url*; raises :class:`ConfigurationError`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        _refuse("The URL of Sentinel is invalid.")
    login, at, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if "@" in parts.path:  # Never quoted: it is a part of the password.
        _refuse("The URL of Sentinel has a password with a slash, which must be written as %2F.")
    if not service:
        _refuse("The URL of Sentinel has no name of a service.")
    sentinels = parse_nodes(hosts, _PORT)
    if sentinels is None:
        _refuse("The URL of Sentinel has a host that is empty or invalid.")
    if database and not database.isdecimal():
        _refuse("The URL of Sentinel has a database that is not a number.")
    query = parse_qsl(parts.query, keep_blank_values=True)
    own = {_LOGIN[name]: value for name, value in query if name in _LOGIN}
    rest = urlencode([each for each in query if each[0] not in _LOGIN])
    scheme = SENTINEL_SCHEMES[parts.scheme]
    server = _read_options(f"{scheme}://{login}{at}localhost/{database or 0}?{rest}")
    tls = {name: value for name, value in server.items() if name.startswith("ssl")}
    return SentinelAddress(sentinels, unquote(service), server, {**tls, **own})


def create_sync_pool(url: str, *, blocks: bool = False, **options: Any) -> Any:
    """Return a pool of connections to the primary; *options* are those of its connections.

    With *blocks* a caller waits where all connections are taken.
    """
    address = parse_sentinel(url)
    kind: Any = _BlockingPool if blocks else redis.sentinel.SentinelConnectionPool
    manager = _create_manager(_Sentinel, address, redis.retry.Retry)
    server = dict(address.server)
    kept = SentinelTLSConnection if server.pop("ssl", False) else SentinelConnection
    return kind(address.service, manager, **{**options, **server, "connection_class": kept})


def create_asyncio_pool(url: str, **options: Any) -> Any:  # Any: redis-py's options and pool.
    """Return a pool of connections of one event loop to the primary."""
    address = parse_sentinel(url)
    manager = _create_manager(_AsyncioSentinel, address, redis.asyncio.retry.Retry)
    kind: Any = redis.asyncio.sentinel.SentinelConnectionPool
    return kind(address.service, manager, **{**options, **address.server})


class SentinelConnection(redis.sentinel.SentinelManagedConnection):
    """Connection to the primary that is closed where reading an answer is interrupted.

    redis-py keeps it, so that the next command gets that answer: after the end of a worker, or the
    alarm of a job.
    """

    def read_response(self, *words: Any, **options: Any) -> Any:  # Any: redis-py's.
        """Return the next answer; closes the connection where that fails."""
        options.setdefault("disconnect_on_error", True)
        return cast("Any", super()).read_response(*words, **options)


class SentinelTLSConnection(SentinelConnection, redis.SSLConnection):
    """A :class:`SentinelConnection` over TLS."""


CONNECTIONS: Mapping[object, type[Any]] = {
    redis.sentinel.SentinelManagedConnection: SentinelConnection,
    redis.sentinel.SentinelManagedSSLConnection: SentinelTLSConnection,
}
"""What takes the place of redis-py's connections."""


class _BlockingPool(redis.sentinel.SentinelConnectionPool, redis.BlockingConnectionPool):
    """Pool of connections to the primary that waits for one to become free."""


class _Sentinel(redis.sentinel.Sentinel):
    """The Sentinels, whose connections last as long as one question: it is asked rarely."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the address of the primary; raises :class:`NoPrimaryError`."""
        try:
            return cast("tuple[str, int]", cast("Any", super()).discover_master(service_name))
        except redis.sentinel.MasterNotFoundError as error:
            raise _to_failure(error, service_name, len(self.sentinels)) from None
        finally:
            for each in self.sentinels:  # Other threads may be asking at the same time.
                each.connection_pool.disconnect(inuse_connections=False)


class _AsyncioSentinel(redis.asyncio.sentinel.Sentinel):
    """The Sentinels, asked from an event loop."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the address of the primary; raises :class:`NoPrimaryError`."""
        ask = cast("Any", super()).discover_master
        try:
            return cast("tuple[str, int]", await ask(service_name))
        except redis.asyncio.sentinel.MasterNotFoundError as error:
            raise _to_failure(error, service_name, len(self.sentinels)) from None
        finally:
            for each in cast("list[Any]", self.sentinels):
                await each.aclose()


def _create_manager(kind: Any, address: SentinelAddress, retry: Callable[..., Any]) -> Any:
    wait = {"socket_timeout": address.wait, "socket_connect_timeout": address.wait}
    # No retry: the other Sentinels are asked next. No handshake, as with each server.
    options = {"protocol": 2, "retry": retry(NoBackoff(), 0), **wait, **address.sentinel}
    return kind([tuple(each) for each in address.sentinels], sentinel_kwargs=options)


def _to_failure(error: Exception, service: str, count: int) -> NoPrimaryError:
    """Return why no Sentinel has named a primary, from what redis-py says of each one's error."""
    errors = str(error).partition(repr(service))[2]
    if "Authentication" in errors:
        return NoPrimaryError.of(Failure.SENTINEL_PASSWORD)
    if errors.count(")> - ") >= count:
        return NoPrimaryError.of(Failure.SENTINELS)
    return NoPrimaryError.of(Failure.SERVICE)


def _read_options(url: str) -> Mapping[str, Any]:  # Any: redis-py's options.
    try:
        options = dict(cast("Any", redis.connection).parse_url(url))
    except ValueError:
        _refuse("The URL of Sentinel has an option that is invalid.")
    del options["host"]
    if options.pop("connection_class", None) is not None:
        options["ssl"] = True
    return options


def _refuse(message: str) -> NoReturn:
    raise ConfigurationError(message, _FORM)
