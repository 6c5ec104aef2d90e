"""HTTP transport of deliveries: one POST, no redirect followed."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import urlsplit

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_RESPONSE", "Response", "connect", "post", "read_outcome"]

MAX_RESPONSE = 1_048_576
"""The most bytes of a response that are read."""

_VISIBLE = re.compile(r"[!-~]+")


class Response(NamedTuple):
    """The response of a receiver; *outcome* is empty if its body has none."""

    status: int
    outcome: str
    headers: dict[str, str]
    body: bytes


def post(url: str, headers: Mapping[str, str], body: bytes, *, timeout: float = 30) -> Response:
    """Send *body* and return the response, of any status.

    Raises OSError without a response within *timeout* seconds, and :class:`ConfigurationError` for
    an invalid URL or a header that cannot be sent.
    """
    connection, path = connect(url, timeout)
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        content = answer.read(MAX_RESPONSE)
    except HTTPException as error:
        message = f"The answer is not HTTP: {type(error).__name__}."
        raise ConnectionError(message) from error
    except SSLCertVerificationError:  # An OSError that is a ValueError, too.
        raise
    except ValueError as error:  # Also UnicodeEncodeError.
        raise ConfigurationError(
            "A header has characters that HTTP cannot carry.", "Use visible ASCII characters."
        ) from error
    finally:
        connection.close()
    return Response(answer.status, read_outcome(content), dict(answer.getheaders()), content)


def connect(url: str, timeout: float) -> tuple[HTTPConnection, str]:
    """Return a connection to the server of *url*, opened by its first request, and the path.

    Raises :class:`ConfigurationError` for an invalid URL.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except ValueError:  # An invalid port, an open bracket, a host with empty labels.
        _reject_url(url)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    if parts.scheme not in ("http", "https") or not all(map(_VISIBLE.fullmatch, (host, path))):
        _reject_url(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    # Without a port, http.client would look for one inside an IPv6 address.
    return kind(host, kind.default_port if port is None else port, timeout=timeout), path


def _reject_url(url: str) -> NoReturn:
    raise ConfigurationError(
        f"{url!r} is not an http:// or https:// URL.", "Write http://localhost:8000/webhooks."
    )


def read_outcome(content: bytes) -> str:
    """Return the outcome in the *content* of a reply, empty without one."""
    try:
        reply = json.loads(content)
        return str(reply["data"]["outcome"] if "data" in reply else reply["error"]["code"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
