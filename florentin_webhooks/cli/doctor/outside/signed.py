"""Send signed probes: is the secret right, and do bodies arrive as they were signed?"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import fail, ok, skipped, warn
from florentin_webhooks.cli.doctor.outside.connection import explain_failure
from florentin_webhooks.cli.doctor.outside.reply import OWN_ANSWERS, check_reply
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders.base import Acknowledged
from florentin_webhooks.senders.mutations import body_mutations, secret_mutations
from florentin_webhooks.senders.secrets import redact_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.cli.doctor.outside.exchange import Exchange
    from florentin_webhooks.cli.doctor.outside.probe import Prober
    from florentin_webhooks.testing.provider import SignedDelivery

    Send = Callable[[SignedDelivery], Exchange]

__all__ = ["check_body", "check_signature", "is_accepted"]

_MOST_GUESSES = 48
"""Requests to find out how a body is changed; the guesses are ordered by how often they occur."""
_SECRETS = {
    "secret-white-space": "without the white space around it",
    "secret-newline": "with a newline at its end",
    "secret-quotes": "without the quotes around it",
    "secret-prefix": "without its prefix",
    "secret-base64": "decoded from base64",
    "secret-hex": "decoded from hex",
    "secret-decoded": "in its encoded form",
    "secret-invisible": "without its invisible characters",
}
_BODIES = {
    "body-newline": "changes the newline at the end of bodies",
    "body-white-space": "removes white space around bodies",
    "body-line-ends": "changes the line ends of bodies",
    "body-json": "decodes JSON and encodes it again",
    "body-text": "decodes text in the wrong encoding",
}
_ACCEPTED = "The receiver accepts the secret: a signed probe arrived, and ran nothing."
_KEEP = "Let proxies and middlewares pass bodies on as they are."


def is_accepted(prober: Prober, sent: Exchange) -> bool:
    """Return whether *sent* is the answer of a receiver to a probe that it took for genuine."""
    if sent.outcome:
        return sent.outcome == Outcome.IGNORED
    status = prober.sender.success_status if isinstance(prober.sender, Acknowledged) else None
    return status is not None and sent.status == status and not sent.text


def check_signature(prober: Prober, send: Send) -> Check:
    """Return whether the receiver accepts the secret."""
    if (weakness := prober.find_weakness()) is not None:
        return fail("secret-weak", weakness.message, weakness.hint)
    try:
        probe = prober.make()
    except ConfigurationError as error:
        return skipped("signature", error.message, error.hint)
    if not prober.is_probe(probe):
        message = f"{prober.sender.name} has no event that a probe could use."
        return skipped("signature", message, "Send a test event from the sender's settings.")
    sent = send(probe)
    if is_accepted(prober, sent):
        return ok("signature", _ACCEPTED)
    if sent.has_wrong_signature:
        return _explain_secret(prober, send) or _find_change(prober, send, probe) or _other(prober)
    return _explain_outcome(sent)


def check_body(prober: Prober, send: Send) -> Check:
    """Return whether bodies arrive as they were signed, or what changes them."""
    probe = prober.make_fragile()
    sent = send(probe)
    if is_accepted(prober, sent):
        return ok("body", "Bodies arrive as they were signed.")
    if not sent.has_wrong_signature:
        return _explain_outcome(sent)
    message = "Something before the receiver changes bodies, so their signature is invalid."
    return _find_change(prober, send, probe) or fail("body-changed", message, _KEEP)


def _find_change(prober: Prober, send: Send, probe: SignedDelivery) -> Check | None:
    """Return what changes the body of *probe*: a signature of what arrives is accepted."""
    for name, guess in islice(_changed(probe.body), _MOST_GUESSES):
        answer = send(prober.sign_other(probe, guess))
        if is_accepted(prober, answer) or answer.outcome == Outcome.MALFORMED:
            return fail(name, f"Something before the receiver {_BODIES[name]}.", _KEEP)
    return None


def _changed(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what may have become of *body* on its way, with the name of the change."""
    yield "body-text", body.decode("latin-1").encode()
    for guess in body_mutations(body):
        if guess.cause.code in _BODIES:
            yield guess.cause.code, guess.value


def _explain_secret(prober: Prober, send: Send) -> Check | None:
    """Return in which form the receiver has a secret, or which one it has, or None."""
    first, *others = prober.secrets
    for name in others:
        if _is_key(prober, send, prober.secrets[name]):
            message = f"The receiver there has {redact_name(name)}, but not {redact_name(first)}."
            return fail("secret-missing", message, "Deploy the new secret there as well.")
    for name, secret in prober.secrets.items():
        for guess in secret_mutations(name, secret):
            if _is_key(prober, send, guess.value):
                words = _SECRETS.get(guess.cause.code, "in another form")
                message = f"The receiver there has this secret {words}."
                hint = "Configure the same characters on both sides."
                return fail(guess.cause.code, message, hint)
    return None


def _other(prober: Prober) -> Check:
    message = "The receiver there refuses this secret."
    if prober.sender.signs_url:
        hint = f"Compare it; or it sees another URL than {prober.url}: check X-Forwarded-Proto."
    else:
        hint = "Compare it with the settings there, and check that no proxy removes headers."
    return fail("secret", message, hint)


def _is_key(prober: Prober, send: Send, secret: bytes) -> bool:
    try:
        probe = prober.make(secret)
    except ConfigurationError:  # The sender would refuse such a secret.
        return False
    return is_accepted(prober, send(probe))


def _explain_outcome(sent: Exchange) -> Check:
    if sent.error:
        return explain_failure(sent)
    if sent.outcome == Outcome.STALE:
        message = "The receiver takes a probe of this minute for stale: its clock is wrong."
        return fail("clock", message, "Synchronise its clock, as with chrony.")
    if sent.outcome == Outcome.MALFORMED:
        message = "The receiver accepts the signature, but not the event."
        hint = "Check its sender, and that no proxy changes headers."
        return fail("malformed", message, hint)
    if sent.outcome and sent.outcome not in OWN_ANSWERS:
        message = f"The receiver answered a probe with {sent.outcome}."
        return warn("probe", message, "Use the same version on both sides.")
    return check_reply(sent)
