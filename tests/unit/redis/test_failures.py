"""What is said of a server that refuses or does not answer: its address, and what to do."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
import redis
from redis.exceptions import (
    AuthenticationError,
    ClusterCrossSlotError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

from florentin_webhooks.redis.failures import Failure, NoPrimaryError, describe_failure

ADDRESS = "redis://db:6379/0"


def caused_by(cause: Exception) -> Exception:
    error = redis.exceptions.ConnectionError("the secret")
    error.__cause__ = cause
    return error


def untrusted() -> ssl.SSLError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (
            NoPermissionError("User a has no permissions to run the 'lpush' command"),
            "does not let this user run lpush, or not on that key",
            "+lpush",
        ),
        (
            ResponseError(
                "ACL failure in script: User a has no permissions to run the 'hset' command script"
            ),
            "run hset, or not",
            "+hset",
        ),
        (
            ResponseError("Error running script: The user executing the script can't run this"),
            "does not let this user run",
            "ACL SETUSER",
        ),
        (AuthenticationError("invalid"), "refuses the user or the password", "the URL"),
        (ResponseError("NOAUTH Authentication required."), "refuses the user", "the URL"),
        (OutOfMemoryError("command not allowed"), "refuses commands (OOM)", "maxmemory"),
        (ReadOnlyError("You can't write"), "refuses commands (READONLY)", "primary"),
        (ResponseError("LOADING Redis is loading"), "refuses commands (LOADING)", "wait"),
        (ResponseError("MOVED 3999 10.0.0.1:6381"), "a node of a cluster (MOVED)", "redis+cluster"),
        (ResponseError("CROSSSLOT Keys in request"), "a node of a cluster", "redis+cluster"),
        (ClusterCrossSlotError("Keys in request"), "is a node of a cluster", "redis+cluster"),
        (ResponseError("SELECT is not allowed in cluster mode"), "a node of a cluster", "+cluster"),
        (
            ResponseError("This instance has cluster support disabled"),
            "is not a node of a cluster.",
            "redis:// in place of",
        ),
        (ResponseError("unknown command 'SENTINEL', with args"), "is not a Sentinel.", "26379"),
        (ResponseError("DB index is out of range"), "no database with that number.", "lower"),
        (ResponseError("invalid DB index"), "no database with that number.", "lower"),
        (ResponseError("unknown command `HELLO`, with args"), "older than version 6.2", "newer"),
        (
            ResponseError("ACL failure in script: no"),
            "or not on that key (ResponseError).",
            "+eval",
        ),
        (ResponseError("ERR syntax error"), "answers with an error (ResponseError)", "Redis"),
        (NoPrimaryError.of(Failure.SENTINELS), "none of its Sentinels answers.", "Start them"),
        (caused_by(untrusted()), "TLS connection (self-signed certificate).", "ssl_ca_certs"),
        (caused_by(socket.gaierror("NAME unknown")), "be resolved (gaierror).", "host"),
        (caused_by(socket.gaierror()), "host name that cannot be resolved", "host"),
        (caused_by(ssl.SSLError("wrong version number")), "no valid TLS connection", "rediss://"),
        (caused_by(ssl.SSLEOFError("no notice")), "not answer (SSLEOFError)", "Start the server"),
        (caused_by(ssl.SSLZeroReturnError("closed")), "does not answer", "Start the server"),
        (caused_by(OSError("refused")), "does not answer (OSError)", "Start the server"),
        (ResponseError("WRONGTYPE Operation"), "answers with an error (WRONGTYPE)", "Redis"),
        (ResponseError("the secret"), "answers with an error (ResponseError)", "Redis"),
    ],
)
def test_failure_is_named_with_its_address_and_its_remedy(
    error: Exception, message: str, hint: str
) -> None:
    found = describe_failure(ADDRESS, error)
    assert found[0].startswith(f"Redis at {ADDRESS} ")
    assert message in found[0]
    assert hint in found[1]
    assert "secret" not in " ".join(found)


@pytest.mark.parametrize(
    ("address", "error", "hint"),
    [
        ("rediss://db:6380", redis.exceptions.TimeoutError(), "If it has no TLS, use redis://."),
        ("redis://db:6380", redis.exceptions.ConnectionError(), "If it has TLS, use rediss://."),
        ("unix:///run/redis.sock", caused_by(FileNotFoundError()), "the path of its socket"),
        ("unix:///run/redis.sock", redis.exceptions.ConnectionError(), "the path of its socket"),
        ("redis://db:6380", caused_by(TimeoutError()), "host, port and firewall."),
    ],
)
def test_hint_about_a_server_fits_its_address(address: str, error: Exception, hint: str) -> None:
    assert hint in describe_failure(address, error)[1]


def test_cancellation_is_not_named_as_the_cause() -> None:
    error = redis.exceptions.TimeoutError("no answer in time")
    error.__context__ = TimeoutError()
    error.__context__.__context__ = asyncio.CancelledError()
    assert "does not answer (TimeoutError)." in describe_failure(ADDRESS, error)[0]
