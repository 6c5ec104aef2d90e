"""Verification of a captured request, with the likely causes of a failure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.cli.verification.explanation import explain
from florentin_webhooks.errors import InvalidSignature, MalformedDelivery
from florentin_webhooks.senders.diagnosis import Diagnosis, diagnose
from florentin_webhooks.senders.florentin.signature import FlorentinSignature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from florentin_webhooks.cli.sender_context import SenderContext
    from florentin_webhooks.protocol.headers import HeaderMap
    from florentin_webhooks.senders.base import SignatureScheme

__all__ = ["VerifiedRequest", "verify"]


class VerifiedRequest(NamedTuple):
    """The name of the *secret* that signed a request; empty for none, with *reason* and *causes*.

    *fingerprint* is that under which a receiver records it.
    """

    fingerprint: str
    secret: str = ""
    reason: str = ""
    causes: Sequence[Diagnosis] = ()


def verify(
    context: SenderContext,
    headers: HeaderMap,
    body: bytes,
    url: str | None,
    others: Mapping[str, bytes],
) -> VerifiedRequest:
    """Return which secret of *context* signed the request, or why none did.

    *others* are configured elsewhere and may be the right ones.
    """
    try:
        metadata = _scheme(context).authenticate(headers, body, datetime.now(UTC), url)
    except (InvalidSignature, MalformedDelivery) as error:
        reason = error.reason
    else:
        digest = context.fingerprint(body, metadata.delivery_id, metadata.secret)
        return VerifiedRequest(digest, metadata.secret)
    if context.is_default:
        causes = diagnose(headers, body, context.secrets, others)
    else:
        causes = explain(context.sender, headers, body, context.secrets, others, url)
    return VerifiedRequest(context.fingerprint(body), "", reason, causes)


def _scheme(context: SenderContext) -> SignatureScheme:
    # A weak secret of Florentin's is verified as well, so that its mistake can be explained.
    return FlorentinSignature(context.secrets) if context.is_default else context.scheme()
