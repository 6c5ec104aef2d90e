"""A sender for tests: it makes signed deliveries and sends them.

A delivery is exactly what goes over the wire: the bytes and their headers. The clock is an
argument, so a test sets the time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import Sampling, Signing, SigningBody
from florentin_webhooks.senders.florentin.samples import SAMPLES
from florentin_webhooks.senders.secrets import Secrets
from florentin_webhooks.testing.delivery import SignedDelivery
from florentin_webhooks.testing.names import check_data, check_event
from florentin_webhooks.testing.transport import Response, post

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.senders.base import Sender

__all__ = ["Provider", "SignedDelivery"]

JSON = Mapping[str, Any]  # Any: JSON.


class Provider:
    """Sender of deliveries signed with *secret*, by default Florentin.

    *clock* returns an aware datetime, the timestamp of new events. Pass a delivery to any receiver:
    ``hooks.receive(*provider.make("user.login"))``, and in a running event loop
    ``await hooks.areceive(*provider.make("user.login"))``. A *sender* that signs the URL needs the
    *url* that it calls, which is passed as third argument.

    *check_names* refuses misspelt events and unknown data of known events; without it you can make
    what this package does not know of. Raises :class:`ConfigurationError` for a secret that the
    sender cannot have, and for a sender that cannot sign here.
    """

    def __init__(
        self,
        secret: Secrets,
        *,
        sender: Sender = DEFAULT_SENDER,
        url: str | None = None,
        clock: Callable[[], datetime] = utc_now,
        check_names: bool = True,
    ) -> None:
        self.sender = sender
        self.url = url
        self._scheme = _signing(sender, secret)
        self._samples: Mapping[str, JSON] = SAMPLES if sender is DEFAULT_SENDER else {}
        self._clock = clock
        self._check_names = check_names

    def make(
        self,
        event: str,
        /,
        **data: Any,  # Any: JSON.
    ) -> SignedDelivery:
        """Return headers and body of a new delivery.

        The data is the sample of *event* (empty for an event without one) deeply merged with
        *data*: ``make("invoice.created", invoice={"amount_due": 0})``. Two deliveries never share
        their bytes or their id.

        Raises :class:`ConfigurationError` for an event whose name is almost that of a known one,
        and for data that a known event does not have.
        """
        if self._check_names:
            check_event(event, self.sender.catalogue)
            check_data(event, data, self.sender.catalogue)
        unique = token_hex(12)
        merged = _deep_merge({"request": unique, **self._samples.get(event, {})}, data)
        sampling = _sampling(self.sender)
        body, header_event = sampling.sample(event, merged, unique, self._clock())
        return self.sign(header_event, body, delivery_id=unique)

    def sign(self, event: str, body: bytes, *, delivery_id: str) -> SignedDelivery:
        """Return a signed delivery of exactly these bytes; *event* is what a header names.

        Mailgun puts its signature into the body.
        """
        if isinstance(self._scheme, SigningBody):
            body = self._scheme.sign_body(
                body, event=event, delivery_id=delivery_id, timestamp=self._clock()
            )
        try:
            headers = self._scheme.sign(
                body, event=event, delivery_id=delivery_id, timestamp=self._clock(), url=self.url
            )
        except TypeError:  # By the protocol of keys, one that is public.
            raise ConfigurationError(
                f"A public key of {self.sender.name} cannot sign.", "Use a private key for tests."
            ) from None
        content_type = _content_type(body)
        return SignedDelivery.of(
            {"Content-Type": content_type, **headers}, body, event, delivery_id
        )

    def deliver(
        self, target: Receiver[object] | str, event: str, /, **data: Any
    ) -> Response:  # Any: JSON.
        """Make a delivery, send it to a receiver or to a URL, and return the response.

        Raises OSError without an answer from the URL.
        """
        return self.send(target, self.make(event, **data))

    def send(self, target: Receiver[object] | str, made: SignedDelivery) -> Response:
        """Send a delivery unchanged, any number of times, and return the response."""
        if isinstance(target, str):
            return post(target, made.headers, made.body)
        reply = target.receive(made.headers, made.body, self.url)
        return Response(reply.status, reply.outcome.value, dict(reply.headers), reply.body)

    def restamp(self, delivery: SignedDelivery) -> SignedDelivery:
        """Return a retry with the same delivery id, a new timestamp and a new signature."""
        body = _sampling(self.sender).restamp(delivery.body, self._clock())
        return self.sign(delivery.event, body, delivery_id=delivery.delivery_id)

    def redeliver(self, delivery: SignedDelivery) -> SignedDelivery:
        """Return the same signed bytes under a new delivery id, as an eavesdropper can send.

        The same delivery, where the sender has no unsigned id.
        """
        if self.sender.signs_delivery_id:
            return delivery
        return delivery.with_id(token_hex(12))

    def tamper(self, delivery: SignedDelivery) -> SignedDelivery:
        """Return the delivery with a body that was changed after it was signed."""
        return delivery.with_body(_change(delivery.body))


def _signing(sender: Sender, secret: Secrets) -> Signing:
    scheme = sender.scheme(secret)
    if isinstance(scheme, Signing):
        return scheme
    raise ConfigurationError(
        f"{sender.name} cannot be simulated: its scheme has no sign().",
        "Send it deliveries that you have captured.",
    )


def _sampling(sender: Sender) -> Sampling:
    if isinstance(sender, Sampling):
        return sender
    raise ConfigurationError(
        f"{sender.name} cannot be simulated: it has no sample().",
        "Write the body yourself, and use: provider.sign(event, body, delivery_id=...).",
    )


def _content_type(body: bytes) -> str:
    is_json = body.lstrip()[:1] in (b"{", b"[")
    return "application/json" if is_json else "application/x-www-form-urlencoded"


def _change(body: bytes) -> bytes:
    """Return *body* with one more field, in JSON or in a form."""
    try:
        envelope = json.loads(body)
    except ValueError:
        return body + b"&tampered=true"
    if not isinstance(envelope, dict):
        return body + b" "
    payload = cast("dict[str, Any]", envelope)  # Any: JSON.
    data = payload.get("data")
    changed = cast("dict[str, Any]", data) if isinstance(data, dict) else payload
    changed["tampered"] = True
    return json.dumps(payload).encode()


def _deep_merge(defaults: JSON, values: JSON) -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in values.items():
        default = merged.get(key)
        if isinstance(default, Mapping) and isinstance(value, Mapping):
            merged[key] = _deep_merge(cast("JSON", default), cast("JSON", value))
        else:
            merged[key] = value
    return merged
