"""Zoom: events of meetings, webinars, phones and users.

Source: https://developers.zoom.us/docs/api/webhooks/.
"""

from __future__ import annotations

import json
import re

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.senders.base import Answer, Message, Retries
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.payload import field_at
from florentin_webhooks.senders.schemes.scheme import TemplateScheme
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template

__all__ = ["Zoom"]

_VALIDATION = "endpoint.url_validation"
# A token has no colon, so its HMAC never signs a request, "v0:<time>:<body>".
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.-]{1,200}")


class _ZoomScheme(TemplateScheme):
    __slots__ = ()

    def answer(self, _body: bytes, message: Message, secret: str) -> Answer | None:
        """Return Zoom's token with its HMAC, by the secret that signed the request."""
        token = field_at(message.envelope, "payload.plainToken")
        if message.event != _VALIDATION or not isinstance(token, str):
            return None
        if not _TOKEN.fullmatch(token):
            raise MalformedDelivery("plainToken is not a token")
        key = next(each.key for each in self._keys if each.name == secret)
        answer = {"plainToken": token, "encryptedToken": key.sign([token.encode()]).hex()}
        return Answer(json.dumps(answer).encode())


class Zoom(TemplateSender):
    """Zoom: time and body are signed; no id is.

    ``event.data`` is Zoom's ``payload``. Validation requests are answered.
    """

    name = "Zoom"
    form = SignatureFormat(
        signature_header="x-zm-signature", prefix="v0=", timestamp_header="x-zm-request-timestamp"
    )
    template = Template.parse("v0:{timestamp}:{body}")
    # Whether each attempt has a time of its own is not documented.
    retries = Retries(
        (300, 1800, 5400),
        restamped=False,
        source="https://developers.zoom.us/docs/api/webhooks/#webhook-retry-policy",
    )
    event_field = "event"
    time_field = "event_ts"
    data_field = "payload"
    success_status = 200  # Only 200 and 204 are documented as success.
    scheme_type = _ZoomScheme
