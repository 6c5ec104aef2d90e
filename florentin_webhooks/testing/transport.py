"""Send a delivery over HTTP the way Florentin does: one POST, no redirect followed."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import urlsplit

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Response", "post"]

MAX_ANSWER = 1_048_576
"""How much of an answer is read."""

_VISIBLE = re.compile(r"[!-~]+")


class Response(NamedTuple):
    """Hold what a receiver answered; *outcome* is empty where it does not speak of one."""

    status: int
    outcome: str
    headers: dict[str, str]
    body: bytes


def post(url: str, headers: Mapping[str, str], body: bytes, *, timeout: float = 30) -> Response:
    """Send *body* and give the answer, whatever its status.

    Raises OSError where nobody answers within *timeout* seconds, and
    :class:`ConfigurationError` for a URL that is none or a header that cannot be sent.
    """
    connection, path = _connection(url, timeout)
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        content = answer.read(MAX_ANSWER)
    except HTTPException as error:
        message = f"no HTTP answer: {type(error).__name__}"
        raise ConnectionError(message) from error
    except ValueError as error:  # Also UnicodeEncodeError.
        message = "a header holds characters that HTTP cannot carry"
        raise ConfigurationError(message) from error
    finally:
        connection.close()
    return Response(answer.status, _outcome(content), dict(answer.getheaders()), content)


def _connection(url: str, timeout: float) -> tuple[HTTPConnection, str]:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except ValueError:  # A port that is none, an open bracket, a host with empty labels.
        _refuse(url)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    if parts.scheme not in ("http", "https") or not all(map(_VISIBLE.fullmatch, (host, path))):
        _refuse(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    # Without a port, http.client would look for one inside an IPv6 address.
    return kind(host, kind.default_port if port is None else port, timeout=timeout), path


def _refuse(url: str) -> NoReturn:
    message = f"{url!r} is no http:// or https:// URL; write it as http://localhost:8000/webhooks"
    raise ConfigurationError(message)


def _outcome(content: bytes) -> str:
    try:
        told = json.loads(content)
        return str(told["data"]["outcome"] if "data" in told else told["error"]["code"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
