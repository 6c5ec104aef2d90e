"""Explain what a URL answers to an unsigned request, which a receiver refuses with 401."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import Check, fail, ok
from florentin_webhooks.cli.doctor.outside.connection import explain_failure
from florentin_webhooks.cli.doctor.outside.redirects import explain_redirect
from florentin_webhooks.cli.doctor.outside.routes import explain_missing_route

if TYPE_CHECKING:
    from florentin_webhooks.cli.doctor.outside.exchange import Exchange

__all__ = ["OWN_ANSWERS", "check_reply"]

_LOG = "See the log of the receiver, which has the reason."
OWN_ANSWERS = {
    "invalid-signature": ok("receiver", "The receiver answers, and refuses an unsigned request."),
    "unavailable": fail("receiver-store", "The store there does not answer.", _LOG),
    "body-unavailable": fail(
        "body-read",
        "Other code reads the body before the receiver.",
        "Mount the receiver in front of that middleware.",
    ),
    "read-timeout": fail(
        "body-lost", "The body never arrives at the receiver.", "Check proxy and server."
    ),
    "unsupported-encoding": fail(
        "body-compressed",
        "A proxy compresses bodies, which changes what was signed.",
        "Turn that off for this path.",
    ),
    "method-not-allowed": fail(
        "method", "A POST arrives as another method.", "Check rewrite rules of the proxy."
    ),
    "too-large": fail("body-limit", "The receiver refuses a small body.", "Raise max_body."),
}
"""What each outcome says about the way of a request that no handler is to get."""
_STATUSES = {
    405: ("method", "The route accepts no POST", 'Add methods=["POST"], or mount the receiver'),
    411: ("length", "The proxy demands a length", "Let it accept requests as they come"),
    413: ("proxy-limit", "A proxy refuses the body as too large", "Raise its limit of bodies"),
    429: ("rate-limit", "A rate limit refuses deliveries", "Exempt the path of the receiver"),
}
_TEXTS = (
    (r"csrf", "csrf", "A CSRF check refuses deliveries", "Exempt the view, or use webhook_path"),
    (
        r"plain HTTP request was sent to HTTPS port|https server",
        "url-scheme",
        "The port expects TLS",
        "Write https:// in the URL",
    ),
    (
        r"DisallowedHost|ALLOWED_HOSTS|invalid host|Bad Request \(400\)",
        "host",
        "The program does not accept this host",
        "Add the name to ALLOWED_HOSTS, or to the trusted hosts of the proxy",
    ),
    (
        r"type=.?password|log-?in|sign-?in",
        "login",
        "A login page answers instead of the receiver",
        "Exempt the path from the login",
    ),
    (
        r"captcha|checking your browser|just a moment|ngrok",
        "bot-check",
        "A check for browsers answers instead of the receiver",
        "Exempt the path from bot protection",
    ),
)
_UPSTREAM = frozenset({502, 503, 504})
_REDIRECT, _CLIENT_ERROR, _NOT_FOUND, _SERVER_ERROR = 300, 400, 404, 500


def check_reply(sent: Exchange) -> Check:
    """Return the check of the answer to an unsigned request."""
    if sent.error:
        return explain_failure(sent)
    if sent.outcome in OWN_ANSWERS:
        return OWN_ANSWERS[sent.outcome]
    if sent.outcome:
        message = f"The receiver answered an unsigned request with {sent.outcome}."
        return fail("unsigned", message, "Check which program answers there.")
    return _foreign(sent)


def _foreign(sent: Exchange) -> Check:
    """Return the check of an answer that no receiver of ours gives."""
    if _REDIRECT <= sent.status < _CLIENT_ERROR and (location := sent.headers.get("location")):
        return explain_redirect(sent.url, location)
    if sent.status == _NOT_FOUND or sent.status in _STATUSES:
        return _misdirected(sent)
    if "www-authenticate" in sent.headers:
        message = "The server demands a login before the receiver is asked (WWW-Authenticate)."
        return fail("login", message, "Exempt the path of the receiver.")
    if sent.status >= _SERVER_ERROR:
        return _broken(sent)
    for pattern, name, problem, hint in _TEXTS:
        if re.search(pattern, sent.text, re.IGNORECASE):
            return fail(name, f"{problem} (HTTP {sent.status}).", f"{hint}.")
    return _stranger(sent)


def _misdirected(sent: Exchange) -> Check:
    if sent.status == _NOT_FOUND:
        return explain_missing_route(sent)
    name, problem, hint = _STATUSES[sent.status]
    return fail(name, f"{problem} (HTTP {sent.status}).", f"{hint}.")


def _broken(sent: Exchange) -> Check:
    if sent.status in _UPSTREAM:
        message = f"A proxy answers, but not the program behind it (HTTP {sent.status})."
        return fail("upstream", message, "Start the program, or correct the address in the proxy.")
    message = f"The program fails before the receiver is asked (HTTP {sent.status})."
    return fail("program-error", message, "See the log of the program.")


def _stranger(sent: Exchange) -> Check:
    if sent.status < _REDIRECT:
        message = f"Another program answers, and accepts what is not signed (HTTP {sent.status})."
        return fail("another-program", message, "Correct the path or the port of the URL.")
    message = f"A proxy or another program refuses deliveries (HTTP {sent.status})."
    return fail("refused", message, "Find out what answers: compare the logs of proxy and program.")
