"""Diagnosis of an invalid signature, by trying the mistakes that happen in practice.

Pure, and for people at a keyboard only. It parses unsigned bytes and reveals which guess was right;
both would help an attacker, so it is never used for requests.
"""

from __future__ import annotations

import base64
import re
from hmac import compare_digest, digest
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.protocol.headers import Headers, get_all
from florentin_webhooks.senders.florentin.signature import SIGNATURE_HEADER
from florentin_webhooks.senders.mutations import (
    Diagnosis,
    Mutation,
    body_mutations,
    secret_mutations,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Candidate", "Diagnosis", "diagnose", "guesses"]

_SIZE_OF_PAIRS = 262_144
"""The largest body for which a changed secret and a changed body are tried together."""

_EXACT = re.compile(r"sha256=[0-9a-f]{64}")
_HEX = re.compile(r"(?:\w+[=:])?\s*([0-9a-fA-F]{64})")
_BASE64 = re.compile(r"(?:\w+[=:,])?\s*([A-Za-z0-9+/_-]{43}=?)")
_FORM = "Send sha256= and 64 lower-case hex digits, once."


class Candidate(NamedTuple):
    """A secret and a body that may have been signed, and why they differ from ours."""

    causes: tuple[Diagnosis, ...]
    secret: bytes
    body: bytes


def diagnose(
    headers: Headers,
    body: bytes,
    secrets: Mapping[str, bytes],
    others: Mapping[str, bytes] | None = None,
) -> list[Diagnosis]:
    """Return the causes that together explain an invalid signature.

    *secrets* were tried; *others* are configured elsewhere and may be the right ones.
    """
    values = get_all(headers, SIGNATURE_HEADER.lower())
    causes = _form(values)
    digests = [found for value in values if (found := _digest(value)) is not None]
    if not digests:
        return causes
    for guess in guesses(body, secrets, others or {}):
        signed = digest(guess.secret, guess.body, "sha256")
        if any(compare_digest(signed, claimed) for claimed in digests):
            return [*causes, *guess.causes]
    return [*causes, *_nothing_found(headers, body)]


def _form(values: list[str]) -> list[Diagnosis]:
    """Return what is wrong with the header itself."""
    if not values:
        text = f"The {SIGNATURE_HEADER} header is missing."
        return [Diagnosis("header-missing", text, "Check whether a proxy removes it.")]
    if len(values) > 1:
        text = f"The signature header came {len(values)} times."
        return [Diagnosis("header-repeated", text, _FORM)]
    value = values[0]
    if _EXACT.fullmatch(value):
        return []
    return [Diagnosis("header-form", f"The signature header {_flaw(value)}.", _FORM)]


def _flaw(value: str) -> str:
    plain = value.strip("\"' ")
    known = {
        "is empty": not plain,
        "holds several values": "," in plain,
        "has quotes around it": plain != value.strip(),
        "is an HMAC-SHA1, not HMAC-SHA256": plain.lower().startswith("sha1="),
        "is in upper case": bool(_EXACT.fullmatch(plain.lower())),
        "lacks sha256= at its beginning": bool(re.fullmatch(r"[0-9a-fA-F]{64}", plain)),
        "holds base64 instead of hex": bool(_BASE64.fullmatch(plain)),
    }
    digits = len(plain.rpartition("=")[2])
    default = f"has {digits} characters after sha256=, not 64 hex digits"
    return next((flaw for flaw, found in known.items() if found), default)


def _digest(value: str) -> bytes | None:
    """Read a digest from a header of almost any form."""
    for part in value.split(","):
        plain = part.strip("\"' ")
        if found := _HEX.fullmatch(plain):
            return bytes.fromhex(found[1])
        if found := _BASE64.fullmatch(plain):
            text = found[1].rstrip("=").replace("-", "+").replace("_", "/")
            return base64.b64decode(f"{text}=")
    return None


def guesses(
    body: bytes, secrets: Mapping[str, bytes], others: Mapping[str, bytes]
) -> Iterator[Candidate]:
    """Return the guesses: nothing changed, then one thing, then two."""
    plain = [Candidate((), secret, body) for secret in secrets.values()]
    keys = [*_changed_secrets(secrets), *_elsewhere(others)]
    bodies = list(body_mutations(body))
    yield from plain
    yield from _with_bodies(plain, bodies)
    yield from (Candidate((key.cause,), key.value, body) for key in keys)
    if len(body) <= _SIZE_OF_PAIRS:
        both = [Candidate((key.cause,), key.value, body) for key in keys]
        yield from _with_bodies(both, bodies)


def _with_bodies(guesses: Iterable[Candidate], bodies: Iterable[Mutation]) -> Iterator[Candidate]:
    for guess in guesses:
        for changed in bodies:
            yield Candidate((*guess.causes, changed.cause), guess.secret, changed.value)


def _changed_secrets(secrets: Mapping[str, bytes]) -> Iterator[Mutation]:
    for name, secret in secrets.items():
        yield from secret_mutations(name, secret)


def _elsewhere(others: Mapping[str, bytes]) -> Iterator[Mutation]:
    for name, secret in others.items():
        text = f"The secret in {name} signed it, not the one that you named."
        yield Mutation(secret, Diagnosis("another-secret", text, f"Use {name}."))


def _nothing_found(headers: Headers, body: bytes) -> list[Diagnosis]:
    if not body:
        declared = get_all(headers, "content-length")
        declared_size = f", but Content-Length says {declared[0][:20]}" if declared else ""
        text = f"The body is empty{declared_size}: something else has read it."
        return [Diagnosis("body-empty", text, "Find the middleware that reads the body first.")]
    text = "The body was changed for good, or another secret signed it."
    hint = "Compare secret and body with the delivery in Florentin's log."
    return [Diagnosis("unexplained", text, hint)]
