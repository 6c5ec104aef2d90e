"""Check which framings of a body a server or a proxy loses, and which size it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, ok, warn
from florentin_webhooks.cli.doctor.remedies import upgrade_remedy
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.servers import SERVERS, BodyLoss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.cli.doctor.outside.exchange import Exchange

__all__ = ["UPGRADE", "check_chunked", "check_http2", "check_large", "check_upgrade"]

UPGRADE = {"Connection": "Upgrade", "Upgrade": "florentin-webhooks-probe"}
_TOO_LARGE = 413
_OTHER_SERVER = "Use another server: see docs/servers.md"


def check_chunked(sent: Exchange) -> Iterator[Check]:
    """Yield whether a genuine body without a length was lost, and not refused."""
    if sent.has_wrong_signature:
        message = f"{_server(sent, BodyLoss.CHUNKED)} passes on no body without Content-Length."
        hint = "Let the proxy buffer requests, or use another server: see docs/servers.md."
        yield warn("body-chunked", message, hint)


def check_upgrade(sent: Exchange) -> Iterator[Check]:
    """Yield whether a genuine body under an Upgrade header was lost."""
    if sent.has_wrong_signature:
        name = _server(sent, BodyLoss.UPGRADE)
        message = f"{name} passes on no body with an Upgrade header."
        remedy = upgrade_remedy(under_gunicorn=False) if "uvicorn" in name else _OTHER_SERVER
        yield warn("body-upgrade", message, f"{remedy}, or remove the header in the proxy.")


def check_http2(sent: Exchange) -> Check:
    """Return whether a genuine body over HTTP/2 has arrived, whose length nothing says."""
    if sent.has_wrong_signature:
        message = f"{_server(sent, BodyLoss.CHUNKED)} passes on no body over HTTP/2 without length."
        hint = "Let the proxy buffer requests, or use another server: see docs/servers.md."
        return warn("body-http2", message, hint)
    if sent.error or not sent.outcome:
        found = sent.error or f"HTTP {sent.status}"
        message = f"A body over HTTP/2 got no answer of the receiver ({found})."
        return warn("body-http2", message, "Compare with HTTP/1.1: see the log of the proxy.")
    return ok("body-http2", "Bodies arrive over HTTP/2 as well.")


def check_large(sent: Exchange, size: int, *, is_accepted: bool) -> Iterator[Check]:
    """Yield whether a genuine body of *size* bytes was refused."""
    if is_accepted:
        yield ok("body-size", f"A body of {size} bytes arrives.")
    elif sent.outcome == Outcome.TOO_LARGE:
        message = f"The receiver there refuses a body of {size} bytes."
        yield warn("body-limit", message, "Set the same max_body on both sides.")
    elif sent.status == _TOO_LARGE or sent.error == "closed":
        message = f"A proxy or the server refuses a body of {size} bytes."
        hint = "Raise its limit, as client_max_body_size in nginx, to that of the receiver."
        yield fail("proxy-limit", message, hint)
    elif sent.error:
        message = f"A body of {size} bytes got no answer ({sent.error})."
        yield warn("body-size", message, "Check the limits of proxy and server.")


def _server(sent: Exchange, loss: BodyLoss) -> str:
    """Return the name of the server, by its Server header and what is known of servers."""
    named = sent.headers.get("server", "").lower()
    known = (each for each in SERVERS if each.lost_bodies is loss)
    found = next((each for each in known if each.name.partition(",")[0] in named), None)
    return found.name if found else "The server"
