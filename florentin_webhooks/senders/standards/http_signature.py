"""HTTP message signatures (RFC 9421), with a Content-Digest (RFC 9530) of the body.

Source: https://www.rfc-editor.org/rfc/rfc9421 and https://www.rfc-editor.org/rfc/rfc9530. Parsing
and canonicalisation are those of the package http-message-signatures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import HeaderDocumentation
from florentin_webhooks.senders.schemes.arguments import (
    require_list,
    require_optional_texts,
    require_texts,
)
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.public_url import PublicURL, PublicURLScheme
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.secrets import normalize_secrets
from florentin_webhooks.senders.standards.message_signatures import (
    ALGORITHMS,
    MessageScheme,
    load_key,
)
from florentin_webhooks.senders.standards.safety import read_retries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from florentin_webhooks.senders.base import SignatureScheme
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["HTTPSignature"]

Algorithm = Literal[
    "hmac-sha256",
    "ed25519",
    "ecdsa-p256-sha256",
    "ecdsa-p384-sha384",
    "rsa-pss-sha512",
    "rsa-v1_5-sha256",
]


class HTTPSignature(TemplateSender):
    """A sender that signs its requests as RFC 9421 has it.

    Secrets are public keys in PEM, or shared secrets. *algorithm* is that of the keys unless it is
    given (``rsa-v1_5-sha256`` must be); a request cannot choose. A signature must cover the
    ``Content-Digest``, which must be that of the body, and have ``created`` and ``keyid``.
    *covered* are further components that it must cover, such as ``@method`` and ``@target-uri``;
    *tag* selects among several signatures. The URL is the one that was called, or *url* where a
    proxy changes it.

    The event's name is at *event_field* of the JSON body, its id at *id_field*, its time at
    *time_field*. *retries* are the seconds between attempts; *restamped*: each is signed again.
    """

    form = SignatureFormat(signature_header="Signature")
    # What a receiver relies on: a component, such as the target, is checked if it is covered.
    template = Template.parse("{timestamp} {url} {body}")

    def __init__(
        self,
        *,
        algorithm: Algorithm | None = None,
        name: str = "HTTP Signature",
        covered: Sequence[str] = (),
        tag: str | None = None,
        url: str | None = None,
        event_field: str = "type",
        id_field: str = "",
        time_field: str = "",
        retries: Sequence[float] = (),
        restamped: bool = True,
    ) -> None:
        require_texts(name=name, event_field=event_field, id_field=id_field, time_field=time_field)
        require_optional_texts(algorithm=algorithm, tag=tag)
        require_list(str, "texts", covered=covered)
        if algorithm is not None and algorithm not in ALGORITHMS:
            raise ConfigurationError(
                f"The algorithm {algorithm!r} is unknown.", f"Use {', '.join(ALGORITHMS)}."
            )
        self.name, self._algorithm = name, algorithm
        self._covered, self._tag, self._url = tuple(covered), tag, PublicURL.parse(url)
        self.event_field, self.id_field, self.time_field = event_field, id_field, time_field
        self.retries = read_retries(retries, restamped=restamped)

    @property
    def headers(self) -> Mapping[str, HeaderDocumentation]:
        """The documentation of the headers, for OpenAPI."""
        texts = {
            "Signature": "the signature (RFC 9421)",
            "Signature-Input": "what is signed, and when",
            "Content-Digest": "the digest of the body, which is signed",
        }
        return {name: HeaderDocumentation(text, required=True) for name, text in texts.items()}

    def key_material(self, name: str, secret: bytes) -> bytes:
        """Return what identifies the key: the public one, else *secret*."""
        return load_key(name, secret, self._algorithm).material()

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the scheme for *secrets*; raises :class:`ConfigurationError` for a wrong key."""
        keys = {
            name: load_key(name, secret, self._algorithm)
            for name, secret in normalize_secrets(secrets)
        }
        scheme = MessageScheme(keys, self._covered, self._tag)
        return PublicURLScheme(scheme, self._url)
