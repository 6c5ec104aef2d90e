"""Standard Webhooks, and Svix, which has older names for the same headers.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
and https://docs.svix.com/receiving/verifying-payloads/how-manual.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.headers import HeaderMap, Headers
from florentin_webhooks.senders.base import Retries
from florentin_webhooks.senders.schemes.arguments import require_texts
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.keys import Ed25519Key, Ed25519Signer, HMACKey
from florentin_webhooks.senders.schemes.scheme import NamedKey, TemplateScheme
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.secrets import (
    normalize_secrets,
    redact_name,
    validate_length,
)

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.senders.base import Metadata, SignatureScheme
    from florentin_webhooks.senders.schemes.usual import Authenticate
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["StandardWebhooks", "Svix"]

SECRET, PUBLIC_KEY, PRIVATE_KEY = "whsec_", "whpk_", "whsk_"
"""What a secret begins with, the rest is base64: HMAC-SHA256 (v1), and ed25519 (v1a)."""

_SEED = 32
_FORM = SignatureFormat(
    signature_header="webhook-signature",
    encoding=Encoding.BASE64,
    separator=" ",
    id_header="webhook-id",
    timestamp_header="webhook-timestamp",
)
_SVIX = replace(
    _FORM,
    signature_header="svix-signature",
    id_header="svix-id",
    timestamp_header="svix-timestamp",
)


class StandardWebhooks(TemplateSender):
    """A sender that follows Standard Webhooks: id, time and body are signed.

    Secrets are ``whsec_`` and base64 (v1), or public keys, ``whpk_`` and base64 (v1a). The event's
    name is in the body, at *event_field*.
    """

    name = "Standard Webhooks"
    form = _FORM
    template = Template.parse("{id}.{timestamp}.{body}")
    # 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h; the same id each time, signed again.
    retries = Retries(
        (5, 300, 1800, 7200, 18000, 36000, 36000), source="https://docs.svix.com/retries"
    )
    time_field = "timestamp"

    def __init__(self, *, event_field: str = "type") -> None:
        require_texts(event_field=event_field)
        self.event_field = event_field

    def make_key(self, name: str, secret: bytes) -> NamedKey:
        """Return the key that the secret *name* spells; raises :class:`ConfigurationError`."""
        text = secret.decode("ascii", "replace").removeprefix("v1,")  # Supabase shows it there.
        if text.startswith(PUBLIC_KEY):
            return _ed25519(name, Ed25519Key, _decode(name, text.removeprefix(PUBLIC_KEY)))
        if text.startswith(PRIVATE_KEY):
            seed = _decode(name, text.removeprefix(PRIVATE_KEY))[:_SEED]
            return _ed25519(name, Ed25519Signer, seed)
        raw = _decode(name, text.removeprefix(SECRET))
        validate_length(name, raw)
        return NamedKey(name, HMACKey(raw), "v1,")


class Svix(StandardWebhooks):
    """Svix: Standard Webhooks, also with the header names ``svix-id`` and so on."""

    name = "Svix"

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the scheme for *secrets*; raises :class:`ConfigurationError` for a weak one."""
        keys = [self.make_key(name, secret) for name, secret in normalize_secrets(secrets)]
        return _SvixScheme(
            TemplateScheme(_SVIX, self.template, keys),
            TemplateScheme(_FORM, self.template, keys),
        )


class _SvixScheme:
    """Either set of header names, chosen by the signature: never one part from each."""

    __slots__ = ("_own", "_standard", "authenticate")

    authenticate: Authenticate

    def __init__(self, own: TemplateScheme, standard: TemplateScheme) -> None:
        self._own, self._standard = own, standard
        # Svix's own names are the usual ones.
        self.authenticate = own.quick_check(self._check)

    def _check(
        self, headers: Headers, body: bytes, received_at: datetime, url: str | None = None, /
    ) -> Metadata:
        headers = headers if isinstance(headers, HeaderMap) else HeaderMap(headers)
        has_own = headers.get_all(_SVIX.signature_header)
        check = self._own.check if has_own else self._standard.authenticate
        return check(headers, body, received_at, url)

    def sign(
        self,
        body: bytes,
        *,
        event: str,
        delivery_id: str,
        timestamp: datetime,
        url: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that Svix sends with *body*, signed with the first key."""
        return self._own.sign(
            body, event=event, delivery_id=delivery_id, timestamp=timestamp, url=url
        )


def _decode(name: str, text: str) -> bytes:
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)  # Some leave "=" out.
    except ValueError:
        raise ConfigurationError(
            f"{redact_name(name)} is not base64 after its prefix.",
            f"Copy it from the sender's settings: {SECRET}..., or {PUBLIC_KEY}... for ed25519.",
        ) from None


def _ed25519(name: str, kind: type[Ed25519Key], raw: bytes) -> NamedKey:
    try:
        return NamedKey(name, kind(raw), "v1a,")
    except ValueError:
        raise ConfigurationError(
            f"{redact_name(name)} is not a key of ed25519.", "Copy it again: it has 32 bytes."
        ) from None
