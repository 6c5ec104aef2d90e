"""Slack: the Events API over HTTP.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack and
https://docs.slack.dev/apis/events-api/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.senders.base import Answer, Message, Retries, Sample
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.payload import check_name, field_at
from florentin_webhooks.senders.schemes.samples import encode
from florentin_webhooks.senders.schemes.scheme import TemplateScheme
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from florentin_webhooks.senders.base import Metadata

__all__ = ["Slack"]

_CALLBACK = "event_callback"
_CHALLENGE = "url_verification"


class _SlackScheme(TemplateScheme):
    __slots__ = ()

    def answer(self, _body: bytes, message: Message, _secret: str) -> Answer | None:
        """Return the challenge of Slack's check of the URL."""
        if message.event != _CHALLENGE:
            return None
        challenge = check_name(message.envelope.get("challenge"), "challenge", "a token")
        return Answer(challenge.encode(), "text/plain; charset=utf-8")


class Slack(TemplateSender):
    """Slack: time and body are signed, the event's id (``Ev...``) is in the body.

    ``event.event`` and ``event.data`` are those of the inner event: ``app_mention``,
    ``reaction_added``. Fields around it, such as ``team_id``, are in ``event.model_extra``. The
    check of the URL is answered.
    """

    name = "Slack"
    form = SignatureFormat(
        signature_header="X-Slack-Signature",
        prefix="v0=",
        timestamp_header="X-Slack-Request-Timestamp",
    )
    template = Template.parse("v0:{timestamp}:{body}")
    # At once, after 1 minute, after 5. Whether each has a time of its own is not documented.
    retries = Retries(
        (0, 60, 300),
        restamped=False,
        source="https://docs.slack.dev/apis/events-api/#error-handling",
    )
    id_field = "event_id"
    time_field = "event_time"
    scheme_type = _SlackScheme

    def event_name(self, payload: Mapping[str, object], _metadata: Metadata) -> str:
        """Return the inner event's type, or that of a request without one."""
        kind = check_name(payload.get("type"), "type")
        return (
            check_name(field_at(payload, "event.type"), "event.type") if kind == _CALLBACK else kind
        )

    def event_data(self, payload: Mapping[str, object]) -> object:
        """Return the inner event, or the whole body of a request without one."""
        return payload["event"] if payload.get("type") == _CALLBACK else payload

    def sample(
        self, event: str, data: Mapping[str, object], delivery_id: str, time: datetime, /
    ) -> Sample:
        """Return the body of *event* with *data*: an inner event, or the check of the URL."""
        inner = {**data, "type": event}
        if event == _CHALLENGE:
            return Sample(encode(inner), event)
        outer = {self.id_field: delivery_id, self.time_field: int(time.timestamp())}
        return Sample(encode({"type": _CALLBACK, **outer, "event": inner}), event)
