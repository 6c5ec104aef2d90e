"""Explain why a URL gave no answer, and check what the URL itself shows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from florentin_webhooks.cli.doctor.check import Check, fail, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.doctor.outside.exchange import Exchange

__all__ = ["check_scheme", "explain_failure"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PROBLEMS = {
    "address": ("url-address", "has a host that cannot be resolved"),
    "refused": ("url-refused", "has no server at its port"),
    "timeout": ("url-timeout", "gave no answer in time, so the sender gives up and retries"),
    "closed": ("url-closed", "was hung up without an answer"),
    "certificate": ("url-certificate", "has an invalid certificate"),
    "tls": ("url-tls", "speaks no TLS"),
    "not-http": ("url-not-http", "gives an answer that is not HTTP"),
    "unreachable": ("url-unreachable", "cannot be reached"),
}
_HINTS = {
    "address": "Correct the name, or wait until its DNS record is public.",
    "refused": "Start the server or the tunnel, or correct the port.",
    "timeout": "Check firewall and proxy; let slow handlers run in a queue.",
    "closed": "See the log of the server, and whether its port expects TLS.",
    "certificate": "Renew it, with its whole chain, for exactly this name: senders check it.",
    "tls": "Write http:// for a server without TLS, or correct the port.",
    "not-http": "Correct the port, or write https:// where the server expects TLS.",
    "unreachable": "Check the address and the network.",
}


def explain_failure(sent: Exchange) -> Check:
    """Return the check of a request without an answer."""
    name, problem = _PROBLEMS[sent.error]
    detail = f" ({sent.detail})" if sent.detail else ""
    return fail(name, f"{_place(sent.url)} {problem}{detail}.", _HINTS[sent.error])


def check_scheme(url: str) -> Iterator[Check]:
    """Yield a warning for a *url* over which bodies can be read on their way."""
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        message = "Bodies travel without encryption, and can be read on their way."
        yield warn("url-plain", message, "Serve https, and give the sender that URL.")


def _place(url: str) -> str:
    """Return scheme, host and port of *url*: its path and user may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
