"""GitHub: repositories, organisations and apps.

Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries and
https://docs.github.com/en/webhooks/webhook-events-and-payloads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.senders.base import Retries, Sample
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.payload import check_name, read_form, read_json
from florentin_webhooks.senders.schemes.samples import encode
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.services.github_events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from florentin_webhooks.senders.base import Metadata

__all__ = ["GitHub"]

_FORM_START = b"payload="
_REQUIRED = {
    "ping": "zen",
    "push": "commits",
    "pull_request": "pull_request",
    "issues": "issue",
    "issue_comment": "comment",
    "release": "release",
    "check_run": "check_run",
    "check_suite": "check_suite",
    "workflow_run": "workflow_run",
    "workflow_job": "workflow_job",
    "deployment": "deployment",
    "installation": "installation",
}
"""A key that the body of an event always has, so that an unsigned header cannot rename it."""


class GitHub(TemplateSender):
    """GitHub: only the body is signed; id, time and event are not.

    An event is named by its header and the body's ``action``: ``pull_request.opened``, ``push``,
    ``ping``. No time is signed, so no delivery is stale, and only the store's memory guards against
    a replay. A person's redelivery has the same bytes, and is a duplicate.
    """

    name = "GitHub"
    form = SignatureFormat(
        signature_header="X-Hub-Signature-256",
        prefix="sha256=",
        id_header="X-GitHub-Delivery",
        event_header="X-GitHub-Event",
    )
    template = Template.parse("{body}")
    documented_events = EVENTS
    # GitHub does not retry by itself.
    retries = Retries(
        (),
        restamped=False,
        source="https://docs.github.com/en/webhooks/using-webhooks/"
        "handling-failed-webhook-deliveries",
    )

    def read_payload(self, body: bytes) -> Mapping[str, object]:
        """Return the JSON object in *body*, which may be a form with it."""
        if body.startswith(_FORM_START):
            return read_json(read_form(body)["payload"].encode())
        return read_json(body)

    def event_name(self, payload: Mapping[str, object], metadata: Metadata) -> str:
        """Return the header's event with the body's action; raises :class:`MalformedDelivery`."""
        # A stored name has its action already; GitHub's own names have no dots.
        family = check_name(metadata.event, "X-GitHub-Event").partition(".")[0]
        required = _REQUIRED.get(family)
        if required and required not in payload:
            raise MalformedDelivery(f"X-GitHub-Event is {family}, and the body has no {required!r}")
        action = payload.get("action")
        return family if action is None else f"{family}.{check_name(action, 'action')}"

    def event_data(self, payload: Mapping[str, object]) -> object:
        """Return the whole payload: GitHub has no envelope."""
        return payload

    def sample(
        self, event: str, data: Mapping[str, object], _delivery_id: str, _time: datetime, /
    ) -> Sample:
        """Return the body of *event*, ``push`` or ``issues.opened``, with *data*."""
        family, _, action = event.partition(".")
        payload: dict[str, object] = {"action": action} if action else {}
        if required := _REQUIRED.get(family):
            payload[required] = {}
        return Sample(encode({**payload, **data}), family)
