"""What went wrong between us and a server, in words: which of the two, and what to do.

The texts of errors are never shown: they may quote a password, or the body of a delivery.
"""

from __future__ import annotations

import re
import ssl
from enum import StrEnum
from socket import gaierror
from typing import TYPE_CHECKING, Self

from redis.exceptions import (
    AuthenticationError,
    ClusterCrossSlotError,
    InvalidResponse,
    MovedError,
    NoPermissionError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.refusals import find_refusal, refusal_hint

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "PASSING",
    "Failure",
    "NoPrimaryError",
    "UnfitServerError",
    "describe",
    "describe_failure",
    "find_failure",
]


class Failure(StrEnum):
    """Why a server could not be asked."""

    PASSWORD = "password"  # noqa: S105 - the name of a failure.
    TLS = "tls"
    ADDRESS = "address"
    UNREACHABLE = "unreachable"
    RIGHTS = "rights"
    REFUSED = "refused"
    SENTINELS = "sentinels"
    SENTINEL_PASSWORD = "sentinel-password"  # noqa: S105 - the same.
    SERVICE = "service"
    CLUSTER = "cluster"
    NO_CLUSTER = "no-cluster"
    NO_SENTINEL = "no-sentinel"
    DATABASE = "database"
    OLD = "old"
    CONNECTIONS = "connections"
    OTHER = "other"


PASSING = frozenset(
    {Failure.UNREACHABLE, Failure.REFUSED, Failure.CONNECTIONS, Failure.SENTINELS, Failure.SERVICE}
)
"""What may pass by itself. A missing right is not among them: it stops a script in the middle."""


class NoPrimaryError(RedisConnectionError):
    """The Sentinels name no primary; *failure* is why."""

    failure: Failure

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """Return the error for *failure*."""
        error = cls(failure.value)
        error.failure = failure
        return error


class UnfitServerError(ConfigurationError, Unavailable):
    """A server that is too old, at its first use: no delivery may go on without a store."""

    code = Unavailable.code
    status = Unavailable.status


_KINDS: tuple[tuple[type[BaseException], Failure], ...] = (
    (AuthenticationError, Failure.PASSWORD),
    (NoPermissionError, Failure.RIGHTS),
    (MovedError, Failure.CLUSTER),
    (ClusterCrossSlotError, Failure.CLUSTER),  # redis-py has cut the first word off.
    (ssl.SSLError, Failure.TLS),
    (gaierror, Failure.ADDRESS),
)
_ENDED_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""Not faults of TLS: a load balancer ends a connection so whose server is away."""
# First in an answer, or in that of a script, whose words differ with the version of the server.
_ANSWERS: tuple[tuple[re.Pattern[str], Failure], ...] = (
    (re.compile(r"^(?:NOAUTH|WRONGPASS)\b"), Failure.PASSWORD),
    (
        re.compile(r"\bNOPERM\b|ACL failure in script|executing the script can't"),
        Failure.RIGHTS,
    ),
    (re.compile(r"^(?:MOVED|CROSSSLOT|ASK) |non local key in a cluster"), Failure.CLUSTER),
    (re.compile(r"SELECT is not allowed in cluster mode"), Failure.CLUSTER),
    (re.compile(r"cluster support disabled"), Failure.NO_CLUSTER),
    (re.compile(r"unknown command .?SENTINEL", re.IGNORECASE), Failure.NO_SENTINEL),
    (re.compile(r"^(?:invalid )?DB index\b", re.IGNORECASE), Failure.DATABASE),
    (re.compile(r"unknown command .?HELLO", re.IGNORECASE), Failure.OLD),
)
_WITHOUT_DETAIL = frozenset({Failure.NO_CLUSTER, Failure.NO_SENTINEL, Failure.DATABASE})
# Of redis-py's pools, of which one waits for a connection. Not all releases have a type for it.
_NO_CONNECTION = frozenset({"Too many connections", "No connection available."})
_COMMAND = re.compile(r"permissions to run the '([a-z|-]+)' command")
_CODE = re.compile(r"^[A-Z]+(?:-[A-Z]+)*\b")

_MESSAGES = {
    Failure.PASSWORD: "refuses the user or the password",
    Failure.TLS: "has no valid TLS connection",
    Failure.ADDRESS: "has a host name that cannot be resolved",
    Failure.UNREACHABLE: "does not answer",
    Failure.RIGHTS: "does not let this user run a command, or not on that key",
    Failure.REFUSED: "refuses commands",
    Failure.SENTINELS: "is not found, since none of its Sentinels answers",
    Failure.SENTINEL_PASSWORD: "is not found, since a Sentinel refuses the user or the password",
    Failure.SERVICE: "is not found, since its Sentinels know no primary of the service that is up",
    Failure.CLUSTER: "is a node of a cluster",
    Failure.NO_CLUSTER: "is not a node of a cluster",
    Failure.NO_SENTINEL: "is not found, since a host of the URL is not a Sentinel",
    Failure.DATABASE: "has no database with that number",
    Failure.OLD: "is older than version 6.2, and does not know the command HELLO",
    Failure.CONNECTIONS: "was not asked, since all connections of its client were in use",
    Failure.OTHER: "answers with an error",
}
_HINTS = {
    Failure.PASSWORD: "Correct user and password in the URL: redis://user:password@host.",
    Failure.TLS: "Use rediss:// where the server has TLS, and add ?ssl_ca_certs=PATH for its "
    "authority.",
    Failure.ADDRESS: "Correct the name of the host in the URL.",
    Failure.UNREACHABLE: "Start the server, or correct host, port and firewall.",
    Failure.RIGHTS: "Grant it with ACL SETUSER, as +eval ~fl:* ~rq:*: the docs list all rights.",
    Failure.SENTINELS: "Start them, or correct their hosts and ports in the URL.",
    Failure.SENTINEL_PASSWORD: "Correct ?sentinel_username=…&sentinel_password=… in the URL.",
    Failure.SERVICE: "Correct its name in the URL (SENTINEL MASTERS), or start the server.",
    Failure.CLUSTER: "Use redis+cluster://host:port, or the URL of a separate server.",
    Failure.NO_CLUSTER: "Use redis:// in place of redis+cluster://, or the URL of a node.",
    Failure.NO_SENTINEL: "Name Sentinels, which listen at port 26379 by default, or use redis://.",
    Failure.DATABASE: "Choose a lower number, from 0 on, or raise databases of the server.",
    Failure.OLD: "Use Redis 6.2 or Valkey 7.2, or newer.",
    Failure.CONNECTIONS: "Run fewer deliveries at once in a process, or pass RedisStore a client "
    "of a BlockingConnectionPool with more connections.",
    Failure.OTHER: "Check that a Redis or Valkey server listens there.",
}
_CLOSED = ("ConnectionError", "ConnectionResetError")
"""Errors of a connection that was opened, and ended by the other side."""
_UNREACHABLE_HINTS = {
    "rediss": "Start the server, or correct host, port and firewall. If it has no TLS, use "
    "redis://.",
    "unix": "Start the server, or correct the path of its socket and your right to use it.",
}


def find_failure(error: BaseException) -> tuple[Failure, str]:
    """Return why *error* was raised, and a code, a command or the type of an error."""
    causes = list(_causes(error))
    if isinstance(error, NoPrimaryError):
        return error.failure, ""
    for kind, failure in _KINDS:
        for cause in causes:
            if isinstance(cause, kind) and not isinstance(cause, _ENDED_TLS):
                return failure, _detail(cause)
    if isinstance(error, Exception) and (code := find_refusal(error)):
        return Failure.REFUSED, code
    for cause in causes:
        for pattern, failure in _ANSWERS:
            if isinstance(cause, ResponseError) and pattern.search(str(cause)):
                return failure, _detail(cause)
    if isinstance(error, ResponseError | InvalidResponse):
        return Failure.OTHER, _detail(error)
    return _without_answer(error, causes)


def _without_answer(error: BaseException, causes: list[BaseException]) -> tuple[Failure, str]:
    if isinstance(error, RedisConnectionError) and str(error) in _NO_CONNECTION:
        return Failure.CONNECTIONS, ""
    # The first cause, but for the cancellation by which a wait in asyncio ends.
    first = next(each for each in reversed(causes) if isinstance(each, Exception))
    return Failure.UNREACHABLE, type(first).__name__


def describe_failure(address: str, error: BaseException) -> tuple[str, str]:
    """Return what happened at *address*, and what to do."""
    return describe(address, *find_failure(error))


def describe(address: str, failure: Failure, detail: str) -> tuple[str, str]:
    """Return what *failure* means for the server at *address*, and what to do."""
    if failure is Failure.RIGHTS and detail.islower():
        message = f"Redis at {address} does not let this user run {detail}, or not on that key."
        return message, f"Grant it with ACL SETUSER, as +{detail} ~fl:* ~rq:*: the docs list all."
    hint = _HINTS.get(failure) or refusal_hint(detail)
    if failure is Failure.UNREACHABLE:
        hint = _unreachable_hint(address.partition("://")[0], detail)
    cause = f" ({detail})" if detail and failure not in _WITHOUT_DETAIL else ""
    return f"Redis at {address} {_MESSAGES[failure]}{cause}.", hint


def _unreachable_hint(scheme: str, detail: str) -> str:
    if scheme == "redis" and detail in _CLOSED:
        return "Check that a Redis or Valkey server listens there. If it has TLS, use rediss://."
    return _UNREACHABLE_HINTS.get(scheme, _HINTS[Failure.UNREACHABLE])


def _detail(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    text = str(cause)
    if found := _COMMAND.search(text):
        return found[1]
    code = _CODE.match(text) if isinstance(cause, ResponseError) else None
    return code[0] if code and code[0] not in ("ERR", "ACL") else type(cause).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
