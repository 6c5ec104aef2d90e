"""Check a URL in the order in which a delivery passes: connection, reply, clock, signed body."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from florentin_webhooks.cli.doctor.check import State, warn
from florentin_webhooks.cli.doctor.outside.clock import check_clock, check_time, seconds_ahead
from florentin_webhooks.cli.doctor.outside.connection import check_scheme
from florentin_webhooks.cli.doctor.outside.exchange import Exchange, exchange
from florentin_webhooks.cli.doctor.outside.framings import (
    UPGRADE,
    check_chunked,
    check_large,
    check_upgrade,
)
from florentin_webhooks.cli.doctor.outside.probe import Prober
from florentin_webhooks.cli.doctor.outside.reply import check_reply
from florentin_webhooks.cli.doctor.outside.signed import check_body, check_signature, is_accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.cli.sender_context import SenderContext
    from florentin_webhooks.testing.provider import SignedDelivery

__all__ = ["check_url"]

_UNSIGNED = b'{"event":"florentin-webhooks.probe"}'
_HEADERS = {"Content-Type": "application/json", "User-Agent": "florentin-webhooks-doctor"}
_ROOM = 2_048
"""Bytes of the largest probe that are not its padding."""


def check_url(url: str, context: SenderContext | None, max_body: int) -> Iterator[Check]:
    """Yield what an unsigned request to *url* shows, and signed probes of *context*.

    *max_body* is the largest body that the receiver should accept. Raises
    :class:`ConfigurationError` for an invalid URL.
    """
    first = exchange(url, _HEADERS, _UNSIGNED)
    reply = check_reply(first)
    yield reply
    yield from check_scheme(url)
    if first.error:
        return
    yield from check_time(first)
    yield from check_clock(first)
    if reply.state is State.OK:
        yield from _check_slash(url)
    if reply.state is State.OK and context is not None:
        ahead = seconds_ahead(first) or 0
        prober = Prober(context.sender, context.secrets, url, ahead)
        yield from _check_signed(prober, partial(_send, url), max_body)


def _check_slash(url: str) -> Iterator[Check]:
    parts = urlsplit(url)
    plain = parts.path.rstrip("/")
    if not plain:
        return
    path = plain if parts.path.endswith("/") else f"{plain}/"
    other = exchange(urlunsplit(parts._replace(path=path)), _HEADERS, _UNSIGNED)
    if check_reply(other).state is not State.OK:
        message = f"{path} is not served as {parts.path} is, and senders follow no redirect."
        hint = f"Give the sender exactly {url}, or serve both forms."
        yield warn("slash", message, hint)


def _check_signed(
    prober: Prober, send: Callable[[SignedDelivery], Exchange], max_body: int
) -> Iterator[Check]:
    signature = check_signature(prober, send)
    yield signature
    if signature.state is not State.OK:
        return
    yield check_body(prober, send)
    yield from check_chunked(_send(prober.url, prober.make(), chunked=True))
    yield from check_upgrade(_send(prober.url, prober.make(), UPGRADE))
    size = max_body - _ROOM
    sent = send(prober.make(size=size))
    yield from check_large(sent, size, is_accepted=is_accepted(prober, sent))


def _send(
    url: str,
    made: SignedDelivery,
    more: Mapping[str, str] | None = None,
    *,
    chunked: bool = False,
) -> Exchange:
    headers = {**_HEADERS, **made.headers, **(more or {})}
    return exchange(url, headers, made.body, chunked=chunked)
