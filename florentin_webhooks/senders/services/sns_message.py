"""A message of Amazon SNS: what of it is signed, and the forms that its fields have.

What is signed is a list of lines, a name and a value each, without an escape. So a value with a
line break could be read as further fields under the same signature: only ``Message`` may have any.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.errors import InvalidSignature
from florentin_webhooks.senders.schemes.body_sender import required_text
from florentin_webhooks.senders.schemes.encodings import Encoding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

__all__ = ["TOPIC", "SignedMessage", "is_confirmation_url", "read_message"]

_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
"""The signed fields of each type, in the order in which they are signed."""
_OPTIONAL = "Subject"
_MANY_LINES = "Message"

_REGION = r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}"
_HOST = rf"https://sns\.({_REGION})\.amazonaws\.com(?:\.cn)?"
TOPIC = re.compile(
    rf"arn:aws(?:-[a-z]{{2,5}}){{0,2}}:sns:({_REGION}):[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}(?:\.fifo)?"
)
"""The ARN of a topic; its group is the region."""
_CERTIFICATE = re.compile(rf"{_HOST}/SimpleNotificationService-[A-Za-z0-9]{{1,64}}\.pem")
_CONFIRM = re.compile(rf"{_HOST}/\?Action=ConfirmSubscription&[!-~]{{1,2000}}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_ONE_LINE = re.compile(r"[^\r\n]{0,4000}")
_FORMS = {"MessageId": _ID, "Timestamp": _TIME, "TopicArn": TOPIC}
_MAX_SIGNATURE = 1024


class SignedMessage(NamedTuple):
    """The signed *fields* in their order, unchecked, and what they claim to be signed with."""

    fields: Mapping[str, str]
    version: str
    signature: bytes
    certificate_url: str

    def text(self) -> bytes:
        """Return what is signed."""
        lines = (f"{name}\n{value}\n" for name, value in self.fields.items())
        return "".join(lines).encode()


def read_message(payload: Mapping[str, object]) -> SignedMessage:
    """Return the message that *payload* claims to be; raises :class:`InvalidSignature`."""
    names = _SIGNED.get(required_text(payload, "Type"))
    if names is None:
        raise InvalidSignature("malformed")
    present = [name for name in names if name != _OPTIONAL or payload.get(name) is not None]
    fields = {name: required_text(payload, name) for name in present}
    url = required_text(payload, "SigningCertURL")
    if not all(_has_form(name, value) for name, value in fields.items()):
        raise InvalidSignature("malformed")
    if not _is_certificate_url(url, fields["TopicArn"]):
        raise InvalidSignature("malformed")
    version = required_text(payload, "SignatureVersion")
    return SignedMessage(fields, version, _signature(payload), url)


def is_confirmation_url(url: object) -> TypeGuard[str]:
    """Return whether *url* confirms a subscription at Amazon."""
    return isinstance(url, str) and _CONFIRM.fullmatch(url) is not None


def _has_form(name: str, value: str) -> bool:
    return name == _MANY_LINES or _FORMS.get(name, _ONE_LINE).fullmatch(value) is not None


def _is_certificate_url(url: str, topic: str) -> bool:
    """Return whether *url* is one of Amazon, in the region of *topic*."""
    of_url, of_topic = _CERTIFICATE.fullmatch(url), TOPIC.fullmatch(topic)
    return of_url is not None and of_topic is not None and of_url[1] == of_topic[1]


def _signature(payload: Mapping[str, object]) -> bytes:
    text = required_text(payload, "Signature")
    try:
        if len(text) <= _MAX_SIGNATURE:
            return Encoding.BASE64.decode(text)
    except ValueError:
        pass
    raise InvalidSignature("malformed")
