"""The address of a cluster: a URL with several hosts, or redis-py's client of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import redis
import redis.asyncio

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.addresses import (
    CLUSTER_SCHEMES,
    ClusterClient,
    Node,
    parse_nodes,
)

__all__ = ["ClusterAddress", "Node", "parse_cluster"]

_PORT = 6379
_FORM = "Write it as redis+cluster://host:7000,host:7001,host:7002, or rediss+cluster://… for TLS."
_LOGIN = ("username", "password")


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """Some *nodes* of a cluster, and how to connect to each of its nodes.

    *login* is the user and the password as in a URL, *query* redis-py's options. *lanes* is what
    the URL says about them.
    """

    scheme: str
    login: str
    nodes: tuple[Node, ...]
    query: str = ""
    lanes: int | None = None

    def __repr__(self) -> str:
        return f"ClusterAddress({self})"

    def __str__(self) -> str:
        return f"{self.scheme}+cluster://{','.join(map(str, self.nodes))}"

    def url(self, node: Node) -> str:
        """Return the URL of *node*, as redis-py reads it."""
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.login}{node}/0{query}"


def parse_cluster(server: str | ClusterClient) -> ClusterAddress:
    """Return the address of a cluster; raises :class:`ConfigurationError`."""
    if not isinstance(server, str):
        return _of_client(server)
    try:
        parts = urlsplit(server)
    except ValueError:
        _refuse("The URL of the Redis Cluster is invalid.")
    if parts.path.strip("/") not in ("", "0"):
        # Without its text: with a slash in the password it is a part of that.
        _refuse("A Redis Cluster has no other database than 0.")
    login, at, hosts = parts.netloc.rpartition("@")
    nodes = parse_nodes(hosts, _PORT)
    if nodes is None:
        _refuse("The URL of the Redis Cluster has a host that is empty or invalid.")
    options = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([(name, value) for name, value in options if name != "lanes"])
    lanes = dict(options).get("lanes")
    return ClusterAddress(
        CLUSTER_SCHEMES[parts.scheme],
        login + at,
        nodes,
        query,
        None if lanes is None else _number(lanes),
    )


def _number(text: str) -> int:
    if not text.isdecimal():
        _refuse(f"lanes is {text!r} in the URL of the Redis Cluster, which is not a number.")
    return int(text)


def _of_client(client: ClusterClient) -> ClusterAddress:
    untyped: Any = client  # Any: redis-py leaves its types open.
    options: dict[str, Any] = untyped.get_connection_kwargs()
    if options.get("credential_provider") is not None:
        raise ConfigurationError(
            "The client of the Redis Cluster has a credential provider.",
            "Pass RedisStore a URL with user and password.",
        )
    known = untyped.get_nodes() or untyped.nodes_manager.startup_nodes.values()
    nodes = tuple(Node(str(each.host), int(each.port)) for each in known)
    user, password = (str(options.get(name) or "") for name in _LOGIN)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else ""
    return ClusterAddress(_scheme(options), login, nodes, urlencode(_tls_options(options)))


def _scheme(options: dict[str, Any]) -> str:  # Any: redis-py's options, also below.
    kind = options.get("connection_class")
    secure = (redis.SSLConnection, redis.asyncio.SSLConnection)
    is_secure = isinstance(kind, type) and issubclass(kind, secure)
    return "rediss" if is_secure or options.get("ssl") else "redis"


def _tls_options(options: dict[str, Any]) -> dict[str, str]:
    return {
        name: value
        for name, value in options.items()
        if name.startswith("ssl_") and isinstance(value, str)
    }


def _refuse(message: str) -> NoReturn:
    raise ConfigurationError(message, _FORM)
