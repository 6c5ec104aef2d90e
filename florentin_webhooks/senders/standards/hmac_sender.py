"""A sender of your own description, for any scheme that signs a template with an HMAC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import SignatureScheme
from florentin_webhooks.senders.schemes.arguments import (
    require_list,
    require_optional_texts,
    require_texts,
)
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.keys import HMACKey
from florentin_webhooks.senders.schemes.list_sender import BODY, ListSender
from florentin_webhooks.senders.schemes.payload import find_time_in_utc
from florentin_webhooks.senders.schemes.scheme import NamedKey, TemplateScheme
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.secrets import (
    Secrets,
    normalize_secrets,
    redact_name,
    validate_length,
    validate_strength,
)
from florentin_webhooks.senders.standards.safety import (
    check_algorithms,
    check_headers,
    check_id,
    check_spelling,
    check_time,
    find_encoding,
    read_retries,
    refuse,
)

__all__ = ["HMACSender"]


class HMACSender(ListSender):
    """A sender of your own description.

    A field is a place in the JSON body, such as ``data.type``.

    Args:
        name: The name of the sender, for messages.
        signature_header: The header of the signature.
        signed: The template of what is signed, with the placeholders ``{body}``, ``{timestamp}``,
            ``{id}`` and ``{url}``.
        encoding: How a signature is spelled.
        prefix: What comes before a signature. Of several signatures it selects ours.
        separator: What is between several signatures, empty where there is one.
        algorithm: The hash of the HMAC, or a mapping of prefixes to hashes.
        timestamp_header: The header of the signed time.
        time_prefix: What comes before the signed time, where that is in the signature header.
        per_second: The units of the signed time: 1 for seconds, 1000 for milliseconds.
        event_field: The field of the event's name.
        event_header: The header of the event's name, in place of a field; it is unsigned.
        id_field: The field of the event's id.
        id_header: The header of the delivery's id.
        time_field: The field of the event's time: Unix seconds or milliseconds, or ISO 8601, in
            UTC where it has no offset.
        items_field: The field of a list of events, ``"."`` where the body is one. *event_field*
            and *time_field* are then those of an item.
        secret_encoding: How secrets are spelled.
        secret_prefix: What comes before a secret.
        retries: The seconds between the sender's attempts.
        restamped: Whether each attempt is signed with a new time.

    Raises :class:`ConfigurationError` for a description that would be unsafe.
    """

    read_time = staticmethod(find_time_in_utc)

    def __init__(
        self,
        *,
        name: str,
        signature_header: str,
        signed: str = "{body}",
        encoding: Literal["hex", "base64"] = "hex",
        prefix: str = "",
        separator: str = "",
        algorithm: str | Mapping[str, str] = "sha256",
        timestamp_header: str | None = None,
        time_prefix: str = "",
        per_second: int = 1,
        event_field: str = "type",
        event_header: str | None = None,
        id_field: str = "",
        id_header: str | None = None,
        time_field: str = "",
        items_field: str = "",
        secret_encoding: Literal["raw", "hex", "base64"] = "raw",  # noqa: S107 - a spelling.
        secret_prefix: str = "",
        retries: Sequence[float] = (),
        restamped: bool = True,
    ) -> None:
        require_texts(
            name=name,
            signature_header=signature_header,
            signed=signed,
            prefix=prefix,
            separator=separator,
            time_prefix=time_prefix,
            event_field=event_field,
            id_field=id_field,
            time_field=time_field,
            items_field=items_field,
            secret_prefix=secret_prefix,
        )
        require_optional_texts(
            timestamp_header=timestamp_header, event_header=event_header, id_header=id_header
        )
        if isinstance(algorithm, Mapping):
            require_list(str, "texts", algorithm=[*algorithm, *algorithm.values()])
        else:
            require_texts(algorithm=algorithm)
        self.name = name
        self.template = Template.parse(signed)
        self._algorithms = {prefix: algorithm} if isinstance(algorithm, str) else dict(algorithm)
        self.form = SignatureFormat(
            signature_header=signature_header,
            encoding=find_encoding(encoding),
            prefix=prefix,
            separator=separator,
            id_header=id_header,
            timestamp_header=timestamp_header,
            time_prefix=time_prefix,
            event_header=event_header,
        )
        self.per_second = per_second
        self.event_field, self.id_field, self.time_field = event_field, id_field, time_field
        self.items_field = items_field
        self._secret = (secret_encoding, secret_prefix)
        check_spelling(secret_encoding)
        self.retries = read_retries(retries, restamped=restamped)
        check_headers(name, self.form)
        check_time(self.form, self.template, per_second)
        check_id(self.form, self.template, id_field if items_field == BODY else "")
        check_algorithms(self._algorithms, self.form, is_mapping=not isinstance(algorithm, str))
        if items_field and event_header:
            refuse("Items and their delivery have one event_header.", "Set event_field instead.")

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the scheme for *secrets*; raises :class:`ConfigurationError` for a weak one."""
        keys = [
            NamedKey(name, HMACKey(self._decode(name, secret), algorithm), prefix)
            for name, secret in normalize_secrets(secrets)
            for prefix, algorithm in self._algorithms.items()
        ]
        return TemplateScheme(self.form, self.template, keys, per_second=self.per_second)

    def _decode(self, name: str, secret: bytes) -> bytes:
        encoding, prefix = self._secret
        validate_strength({name: secret})
        text = secret.removeprefix(prefix.encode())
        try:
            key = text if encoding == "raw" else Encoding(encoding).decode(text.decode("ascii"))
        except ValueError:
            raise ConfigurationError(
                f"{redact_name(name)} is not {encoding}.", "Copy it again, or set secret_encoding."
            ) from None
        validate_length(name, key)
        return key
