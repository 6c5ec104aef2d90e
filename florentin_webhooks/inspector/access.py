"""Who may see the pages: programs on this machine, or those that *auth* lets in.

A page that knows no user is for this machine only. A browser on this machine can still be led here
by a page of someone else's whose name resolves to 127.0.0.1, so the Host header must be one that we
know. A proxy on this machine makes every request look local, but for the headers that it adds.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.inspector.forgery import refuse_forged
from florentin_webhooks.inspector.response import PageResponse, text
from florentin_webhooks.protocol.suggestions import one_text

if TYPE_CHECKING:
    from florentin_webhooks.inspector.request import PageRequest

__all__ = ["Access", "Auth", "ensure_private"]

Auth = Callable[["PageRequest"], bool] | tuple[str, str]
"""A function that returns whether a request may see the pages, or a user and a password."""

_LEAST = 12
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?")
_FORWARDED = re.compile("(x-)?forwarded.*|via|x-real-ip|(.*-)?(client|connecting)-ip")
_CHALLENGE = ("WWW-Authenticate", 'Basic realm="florentin-webhooks", charset="UTF-8"')


class Access:
    """The check of each request: its host, its client, and its user.

    *hosts* are names beside those of this machine, None where the framework has checked it.
    """

    def __init__(self, auth: Auth | None, hosts: Sequence[str] | None = ()) -> None:
        self._auth = auth if callable(auth) or auth is None else _check_pair(*_pair(auth))
        self._uses_password = auth is not None and not callable(auth)
        if isinstance(hosts, str):
            raise one_text("hosts", hosts)
        self._hosts = None if hosts is None else frozenset(map(str.lower, hosts))

    def refuse(self, request: PageRequest) -> PageResponse | None:
        """Return why *request* may not see the pages, or None."""
        if not self._knows_host(request):
            return text(
                HTTPStatus.FORBIDDEN,
                "This host is not allowed. Use the address 127.0.0.1, or pass its name: hosts=.",
            )
        if self._auth is None:
            return None if _is_local(request) else _refuse_remote()
        if _decide(self._auth, request):
            return None
        if self._uses_password:
            return text(HTTPStatus.UNAUTHORIZED, "A user and a password are needed.", _CHALLENGE)
        return text(HTTPStatus.FORBIDDEN, "Access denied: auth= has refused this request.")

    def answer(
        self,
        request: PageRequest,
        *,
        show: Callable[[PageRequest], PageResponse],
        change: Callable[[PageRequest], PageResponse],
    ) -> PageResponse:
        """Return why *request* is refused, or else the page that *show* or *change* returns."""
        if refused := self.refuse(request):
            return refused
        if request.method not in ("GET", "HEAD", "POST"):
            return text(HTTPStatus.METHOD_NOT_ALLOWED, "Use GET or POST.", ("Allow", "GET, POST"))
        if request.method == "POST":
            return refuse_forged(request) or change(request)
        return show(request)

    def _knows_host(self, request: PageRequest) -> bool:
        if self._hosts is None:
            return True
        found = _HOST.fullmatch((request.header("host") or "").lower())
        return found is not None and (found[1] in self._hosts or _is_loopback(found[1]))


def ensure_private(host: str, auth: Auth | None) -> None:
    """Raise :class:`ConfigurationError` where a server at *host* is open to other machines."""
    if auth is None and not _is_loopback(host):
        raise ConfigurationError(
            f"The inspector would be open to everyone at {host}.",
            "Listen at 127.0.0.1, or pass auth= to protect it.",
        )


def _refuse_remote() -> PageResponse:
    return text(
        HTTPStatus.FORBIDDEN,
        "The inspector is for programs on this machine. To open it to others, pass auth=.",
    )


def _decide(auth: Callable[[PageRequest], object], request: PageRequest) -> bool:
    """Return whether *auth* lets *request* in; an awaitable, which is always true, does not."""
    allowed = auth(request)
    if not isinstance(allowed, Awaitable):
        return bool(allowed)
    if isinstance(allowed, Coroutine):
        allowed.close()
    raise ConfigurationError(
        "auth= has returned an awaitable, which nothing awaits.",
        "Pass a function that is not async: it runs in a thread, so it may block.",
    )


def _is_local(request: PageRequest) -> bool:
    """Return whether *request* comes from this machine, and through no proxy that names itself."""
    if any(_FORWARDED.fullmatch(name) for name, _ in request.headers.items()):
        return False
    return request.client is not None and _is_loopback(request.client)


def _is_loopback(host: str) -> bool:
    name = host.lower().strip("[]")
    if name == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _pair(auth: object) -> tuple[str, str]:
    words = cast("tuple[object, ...]", auth) if isinstance(auth, tuple) else ()
    texts = [word for word in words if isinstance(word, str)]
    if len(texts) == len(words) == 2:  # noqa: PLR2004
        user, password = texts
        if user and ":" not in user and len(password) >= _LEAST:
            return user, password
    raise ConfigurationError(
        "auth is neither a function nor a user with a password.",
        f"Pass a function of the request, or a pair whose password has {_LEAST} characters.",
    )


def _check_pair(user: str, password: str) -> Callable[[PageRequest], bool]:
    expected = f"{user}:{password}".encode()

    def is_allowed(request: PageRequest) -> bool:
        scheme, _, encoded = (request.header("authorization") or "").partition(" ")
        try:
            sent = base64.b64decode(encoded.strip().encode(), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            sent = b""
        return compare_digest(sent, expected) and scheme.lower() == "basic"

    return is_allowed
