"""Send a delivery over HTTP the way Florentin does: one POST, no redirect followed."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "post"]


class Answer(NamedTuple):
    """Hold what a receiver answered; *outcome* is empty where it does not speak of one."""

    status: int
    outcome: str
    headers: dict[str, str]
    body: bytes


def post(url: str, headers: Mapping[str, str], body: bytes, *, timeout: float = 30) -> Answer:
    """Send *body* and give the answer, whatever its status.

    Raises OSError where nobody answers within *timeout* seconds, and
    :class:`ConfigurationError` for a URL that is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = f"{url!r} is no http:// or https:// URL"
        raise ConfigurationError(message)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        connection.request("POST", path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        content = answer.read()
    except HTTPException as error:
        message = f"no HTTP answer: {type(error).__name__}"
        raise ConnectionError(message) from error
    finally:
        connection.close()
    return Answer(answer.status, _outcome(content), dict(answer.getheaders()), content)


def _outcome(content: bytes) -> str:
    try:
        told = json.loads(content)
        return str(told["data"]["outcome"] if "data" in told else told["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
