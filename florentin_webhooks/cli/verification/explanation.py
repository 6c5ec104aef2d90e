"""Diagnosis of an invalid signature of any sender, by trying the mistakes that happen in practice.

Pure, and for people at a keyboard only, as the diagnosis of Florentin's signatures is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError, InvalidSignature, MalformedDelivery
from florentin_webhooks.senders.diagnosis import guesses
from florentin_webhooks.senders.mutations import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.protocol.headers import HeaderMap
    from florentin_webhooks.senders.base import Sender, SignatureScheme

__all__ = ["explain"]

_TIME = datetime.fromtimestamp(0, UTC)
_SOME_URL = "https://shop.example/"


def explain(
    sender: Sender,
    headers: HeaderMap,
    body: bytes,
    secrets: Mapping[str, bytes],
    others: Mapping[str, bytes],
    url: str | None = None,
) -> list[Diagnosis]:
    """Return the causes that together explain an invalid signature of *sender*.

    *secrets* were tried; *others* are configured elsewhere and may be the right ones.
    """
    problem = _problem(sender.scheme(secrets), headers, body, url)
    is_url_missing = problem == "missing" and sender.signs_url and url is None
    if is_url_missing and _problem(sender.scheme(secrets), headers, body, _SOME_URL) != problem:
        text = f"{sender.name} signs its URL, which is missing here."
        return [Diagnosis("url-missing", text, "Add it as the sender knows it: --url URL.")]
    if problem in ("missing", "repeated"):
        return [_header(sender, problem)]
    schemes: dict[bytes, SignatureScheme | None] = {}
    for guess in guesses(body, secrets, others):
        if guess.secret not in schemes:
            schemes[guess.secret] = _scheme(sender, guess.secret)
        scheme = schemes[guess.secret]
        if scheme and guess.causes and _problem(scheme, headers, guess.body, url) is None:
            return list(guess.causes)
    return [_unexplained(sender, problem)]


def _scheme(sender: Sender, secret: bytes) -> SignatureScheme | None:
    try:
        return sender.scheme({"guess": secret})
    except ConfigurationError:
        return None


def _problem(
    scheme: SignatureScheme, headers: HeaderMap, body: bytes, url: str | None
) -> str | None:
    try:
        scheme.authenticate(headers, body, _TIME, url)
    except (InvalidSignature, MalformedDelivery) as error:
        return error.reason
    return None


def _header(sender: Sender, problem: str) -> Diagnosis:
    what = "is missing" if problem == "missing" else "comes more than once"
    text = f"A part of the signature of {sender.name} {what}."
    return Diagnosis(f"header-{problem}", text, "Check whether a proxy changes headers.")


def _unexplained(sender: Sender, problem: str | None) -> Diagnosis:
    if problem == "malformed":
        text = f"A header is not spelled as {sender.name} does."
        return Diagnosis("header-form", text, "Copy it again, or choose another --sender.")
    text = f"The body was changed for good, or another secret or another sender than {sender.name}"
    return Diagnosis("unexplained", f"{text} signed it.", f"Compare both with {sender.name}'s log.")
