"""The base of senders that sign a template, as values and a few pure functions.

A sender of this kind sets ``name``, ``form``, ``template`` and ``retries``, and overrides what its
payloads spell differently: ``event_name``, ``event_time``, ``event_id`` and ``event_data``. The
rest follows: whether id, time and URL are signed, how old a delivery may be, how long it must be
remembered.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.senders.base import HeaderDocumentation, Message, Retries, Sample
from florentin_webhooks.senders.schemes.keys import HMACKey, PublicKey
from florentin_webhooks.senders.schemes.payload import (
    check_name,
    field_at,
    find_id,
    find_time,
    read_json,
)
from florentin_webhooks.senders.schemes.samples import encode, place
from florentin_webhooks.senders.schemes.scheme import NamedKey, TemplateScheme
from florentin_webhooks.senders.secrets import normalize_secrets, validate_strength

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.senders.base import Metadata, SignatureScheme
    from florentin_webhooks.senders.schemes.format import SignatureFormat
    from florentin_webhooks.senders.schemes.template import Template
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["TemplateSender"]


class TemplateSender:
    """A sender whose signature covers a template; see the module."""

    name: str
    form: SignatureFormat
    template: Template
    retries: Retries = Retries()
    algorithm = "sha256"
    per_second = 1
    """The units of a timestamp in a header: 1 for seconds, 1000 for milliseconds."""
    id_field = ""
    """Where the body has the id of the event; it is signed with the body."""
    event_field = "type"
    time_field = ""
    data_field = "data"
    read_time = staticmethod(find_time)
    """Returns the instant at *time_field*, None for what is not one."""
    catalogue: Mapping[str, type[Event]] = MappingProxyType({})
    is_open = True
    success_status: int | None = None
    """The one status that the sender takes for success, None where any 2xx will do."""
    scheme_type: type[TemplateScheme] = TemplateScheme

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    # --- what follows from the values ---

    @property
    def signs_delivery_id(self) -> bool:
        """Whether the signature covers an id in a header."""
        return "id" in self.template.names

    @property
    def signs_url(self) -> bool:
        """Whether the signature covers the URL."""
        return "url" in self.template.names

    @property
    def signs_time(self) -> bool:
        """Whether the signature covers a time by which a delivery is judged."""
        return "timestamp" in self.template.names

    @property
    def tolerance(self) -> timedelta:
        """How old a delivery may be by default."""
        return self.retries.tolerance

    @property
    def retention(self) -> timedelta:
        """How long a store remembers a finished delivery by default."""
        return self.retries.retention(signs_time=self.signs_time)

    @property
    def headers(self) -> Mapping[str, HeaderDocumentation]:
        """The documentation of the headers, for OpenAPI."""
        form, signed = self.form, self.template.names
        text = f"the signature of `{self.template.text}`"
        found = {form.signature_header: HeaderDocumentation(text, required=True)}
        for header, part, what in (
            (form.timestamp_header, "timestamp", "the time of the attempt"),
            (form.id_header, "id", "the id of the delivery"),
            (form.event_header, "event", "the event"),
        ):
            if header:
                note = "" if part in signed else "; unsigned"
                found[header] = HeaderDocumentation(f"{what}{note}", required=part in signed)
        return found

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the scheme for *secrets*; raises :class:`ConfigurationError` for a weak one."""
        keys = [self.make_key(name, secret) for name, secret in normalize_secrets(secrets)]
        return self.scheme_type(self.form, self.template, keys, per_second=self.per_second)

    def parse(self, body: bytes, metadata: Metadata) -> Message:
        """Return what a genuine *body* means; raises :class:`MalformedDelivery`."""
        payload = self.read_payload(body)
        event = self.event_name(payload, metadata)
        _, received_at, _, _, signed_at = (
            metadata  # As a tuple: an attribute takes thrice the time.
        )
        time = self.event_time(payload) or signed_at or received_at
        data = self.event_data(payload)
        envelope = {**payload, "event": event, "timestamp": time, "data": data}
        number = self.event_id(payload) if self.id_field else None
        return new_tuple(Message, (event, time, envelope, signed_at, number))

    def retry_content(self, delivery_id: str | None, _body: bytes) -> bytes | None:
        """Return ``b""`` where the id is signed: it alone identifies a delivery."""
        is_signed = self.signs_delivery_id or self.id_field
        return b"" if is_signed and delivery_id is not None else None

    # --- what a sender may override ---

    def make_key(self, name: str, secret: bytes) -> NamedKey:
        """Return the key that the secret *name* spells; raises :class:`ConfigurationError`."""
        validate_strength({name: secret})
        return NamedKey(name, HMACKey(secret, self.algorithm), self.form.prefix)

    def key_material(self, name: str, secret: bytes) -> bytes:
        """Return what identifies the key: the public one, else *secret*."""
        key = self.make_key(name, secret).key
        return key.public if isinstance(key, PublicKey) else secret

    def read_payload(self, body: bytes) -> Mapping[str, object]:
        """Return the object in *body*; raises :class:`MalformedDelivery`."""
        return read_json(body)

    def event_name(self, payload: Mapping[str, object], metadata: Metadata, /) -> str:
        """Return the name of the event; raises :class:`MalformedDelivery` without one.

        A delivery from a store has the stored name in ``metadata.event``.
        """
        if self.form.event_header:
            return check_name(metadata.event, self.form.event_header)
        return check_name(field_at(payload, self.event_field), self.event_field)

    def event_time(self, payload: Mapping[str, object]) -> datetime | None:
        """Return when the event happened, None where the body does not have it."""
        return self.read_time(field_at(payload, self.time_field)) if self.time_field else None

    def event_id(self, payload: Mapping[str, object]) -> str | None:
        """Return the id of the event in the body, None without one."""
        return find_id(field_at(payload, self.id_field)) if self.id_field else None

    def event_data(self, payload: Mapping[str, object]) -> object:
        """Return the event's data: what the sender calls so, or else the whole payload."""
        return payload.get(self.data_field, payload)

    # --- for tests and tools ---

    def sample(
        self, event: str, data: Mapping[str, object], delivery_id: str, time: datetime, /
    ) -> Sample:
        """Return a JSON body with event, id, time and *data* where the sender has them."""
        has_event = not self.form.event_header
        payload: dict[str, object] = {self.data_field: dict(data)} if has_event else dict(data)
        fields = {self.id_field: delivery_id}
        if has_event:
            fields[self.event_field] = event
        if self.time_field and field_at(payload, self.time_field) is None:
            fields[self.time_field] = time.isoformat()
        for path, value in fields.items():
            if path:
                place(payload, path, value)
        return Sample(encode(payload), event)

    def restamp(self, body: bytes, _time: datetime) -> bytes:
        """Return *body*: a retry has the same one, and its time in a header."""
        return body
