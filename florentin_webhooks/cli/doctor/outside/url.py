"""Check a URL in the order in which a delivery passes: connection, reply, clock, signed body."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from florentin_webhooks.cli.doctor.check import State, skipped, warn
from florentin_webhooks.cli.doctor.outside.clock import check_clock, check_time, seconds_ahead
from florentin_webhooks.cli.doctor.outside.connection import check_scheme
from florentin_webhooks.cli.doctor.outside.exchange import Exchange, exchange
from florentin_webhooks.cli.doctor.outside.framings import (
    UPGRADE,
    check_chunked,
    check_http2,
    check_large,
    check_upgrade,
)
from florentin_webhooks.cli.doctor.outside.http2 import exchange_http2, has_http2, offers_http2
from florentin_webhooks.cli.doctor.outside.probe import Prober
from florentin_webhooks.cli.doctor.outside.reply import check_reply
from florentin_webhooks.cli.doctor.outside.signed import check_body, check_signature, is_accepted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.cli.sender_context import SenderContext
    from florentin_webhooks.testing.provider import SignedDelivery

__all__ = ["check_url"]

_UNSIGNED = b'{"event":"florentin-webhooks.probe"}'
_HEADERS = {"Content-Type": "application/json", "User-Agent": "florentin-webhooks-doctor"}
_ROOM = 2_048
"""Bytes of the largest probe that are not its padding."""
_LARGEST = 8_388_608


@dataclass(frozen=True, slots=True)
class _Target:
    """A *url* without its user and password, which are in *headers* as a sender would send them."""

    url: str
    headers: Mapping[str, str] = field(repr=False)

    def ask(self) -> Exchange:
        """Send an unsigned request."""
        return exchange(self.url, self.headers, _UNSIGNED)

    def send(
        self,
        made: SignedDelivery,
        more: Mapping[str, str] | None = None,
        *,
        chunked: bool = False,
    ) -> Exchange:
        """Send a delivery, with *more* headers."""
        headers = {**self.headers, **made.headers, **(more or {})}
        return exchange(self.url, headers, made.body, chunked=chunked)


def check_url(url: str, context: SenderContext | None, max_body: int) -> Iterator[Check]:
    """Yield what an unsigned request to *url* shows, and signed probes of *context*.

    *max_body* is the largest body that the receiver should accept. Raises
    :class:`ConfigurationError` for an invalid URL.
    """
    target = _target(url)
    first = target.ask()
    reply = check_reply(first)
    yield reply
    yield from check_scheme(target.url)
    if first.error:
        return
    yield from check_time(first)
    yield from check_clock(first)
    if reply.state is State.OK:
        yield from _check_slash(target)
    if reply.state is State.OK and context is not None:
        ahead = seconds_ahead(first) or 0
        prober = Prober(context.sender, context.secrets, target.url, ahead)
        yield from _check_signed(prober, target, max_body)


def _target(url: str) -> _Target:
    parts = _split(url)
    if parts is None or "@" not in parts.netloc:
        return _Target(url, _HEADERS)  # The request reports a URL that is invalid.
    login, _, place = parts.netloc.rpartition("@")
    basic = b64encode(unquote(login).encode()).decode()
    clean = urlunsplit(parts._replace(netloc=place))
    return _Target(clean, {**_HEADERS, "Authorization": f"Basic {basic}"})


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _check_slash(target: _Target) -> Iterator[Check]:
    parts = urlsplit(target.url)
    plain = parts.path.rstrip("/")
    if not plain:
        return
    path = plain if parts.path.endswith("/") else f"{plain}/"
    other = replace(target, url=urlunsplit(parts._replace(path=path)))
    if check_reply(other.ask()).state is not State.OK:
        message = f"{path} is not served as {parts.path} is, and senders follow no redirect."
        hint = f"Give the sender exactly {target.url}, or serve both forms."
        yield warn("slash", message, hint)


def _check_signed(prober: Prober, target: _Target, max_body: int) -> Iterator[Check]:
    signature = check_signature(prober, target.send)
    yield signature
    if signature.state is not State.OK:
        return
    yield check_body(prober, target.send)
    yield from check_chunked(target.send(prober.make(), chunked=True))
    yield from check_upgrade(target.send(prober.make(), UPGRADE))
    yield from _check_http2(prober, target)
    size = min(max_body, _LARGEST) - _ROOM
    if size > 0:
        sent = target.send(prober.make(size=size))
        yield from check_large(sent, size, is_accepted=is_accepted(prober, sent))


def _check_http2(prober: Prober, target: _Target) -> Iterator[Check]:
    """Yield whether bodies arrive over HTTP/2, where the server offers it."""
    if not offers_http2(target.url):
        return
    if not has_http2():
        hint = 'Run: pip install "florentin-webhooks[cli]"'
        yield skipped("body-http2", "HTTP/2 is not probed without the package h2.", hint)
        return
    made = prober.make()
    yield check_http2(exchange_http2(target.url, {**target.headers, **made.headers}, made.body))
