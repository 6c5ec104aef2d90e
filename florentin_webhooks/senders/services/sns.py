"""Amazon SNS: notifications of topics over HTTP.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and
https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from florentin_webhooks.errors import ConfigurationError, InvalidSignature, MalformedDelivery
from florentin_webhooks.senders.base import Answer, Message, Metadata, Retries, SignatureScheme
from florentin_webhooks.senders.schemes.arguments import require_flags, require_list
from florentin_webhooks.senders.schemes.body_sender import BodySender, read_unverified
from florentin_webhooks.senders.schemes.fetch import Fetch, fetch_bounded
from florentin_webhooks.senders.schemes.payload import field_at, find_time, read_json
from florentin_webhooks.senders.secrets import normalize_secrets, redact_name
from florentin_webhooks.senders.services.sns_certificates import Certificates
from florentin_webhooks.senders.services.sns_events import CATALOGUE
from florentin_webhooks.senders.services.sns_message import (
    TOPIC,
    SignedMessage,
    is_confirmation_url,
    read_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.secrets import Secrets
    from florentin_webhooks.senders.services.sns_registration import OnSNSMessage

__all__ = ["SNS", "SNSScheme"]

Version = Literal["1", "2"]


class SNS(BodySender):
    """Amazon SNS: chosen fields of the body are signed, with the key of Amazon's certificate.

    The secrets are the ARNs of your topics: everyone with an account can send messages that
    Amazon signs, so the topic is what makes a message yours. Events are ``Notification``,
    ``SubscriptionConfirmation`` and ``UnsubscribeConfirmation``; ``event.data`` has the signed
    fields and no other, so not the ``MessageAttributes``.

    With *confirm*, subscriptions of your topics are confirmed; else a handler receives the event.
    *signature_versions* are those that are accepted: 1 is SHA-1, the default of a topic. *fetch*
    returns the content of a URL: the certificate, once, and the confirmation. It raises OSError.
    """

    name = "SNS"
    is_open = False
    catalogue = CATALOGUE
    # By the policy of the subscription, for at most an hour; the time is that of publication.
    retries = Retries(
        (3600,),
        restamped=False,
        source="https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html",
    )

    def __init__(
        self,
        *,
        confirm: bool = False,
        signature_versions: tuple[Version, ...] = ("1", "2"),
        fetch: Fetch = fetch_bounded,
    ) -> None:
        require_flags(confirm=confirm)
        require_list(str, "texts", signature_versions=signature_versions)
        self._confirm = confirm
        self._versions = frozenset[str](signature_versions)
        # Shared by the receivers of this sender, so that each certificate is downloaded once.
        self._certificates = Certificates(fetch)
        if not self._versions or not self._versions <= {"1", "2"}:
            raise ConfigurationError(
                'signature_versions must contain "1", "2" or both.', 'Use ("1", "2") or ("2",).'
            )

    if TYPE_CHECKING:

        @property
        def registration(self) -> OnSNSMessage: ...

    def scheme(self, secrets: Secrets) -> SignatureScheme:
        """Return the scheme for topics; raises :class:`ConfigurationError` for another text."""
        topics = {_check_topic(name, each): name for name, each in normalize_secrets(secrets)}
        return self._build_scheme(topics)

    def _build_scheme(self, topics: Mapping[str, str]) -> SNSScheme:
        return SNSScheme(topics, self._versions, self._certificates, confirm=self._confirm)

    def parse(self, body: bytes, _metadata: Metadata) -> Message:
        """Return what a genuine *body* means; raises :class:`MalformedDelivery`."""
        fields = read_message(read_json(body)).fields
        published = find_time(fields["Timestamp"])
        if published is None:
            raise MalformedDelivery("the Timestamp is not a time")
        envelope = {"event": fields["Type"], "timestamp": published, "data": fields}
        return Message(fields["Type"], published, envelope, published, fields["MessageId"])


class SNSScheme:
    """Verify messages of *topics*, which are the names of secrets by ARN."""

    __slots__ = ("_certificates", "_confirm", "_topics", "_versions")

    def __init__(
        self,
        topics: Mapping[str, str],
        versions: frozenset[str],
        certificates: Certificates,
        *,
        confirm: bool,
    ) -> None:
        self._topics, self._versions = topics, versions
        self._certificates, self._confirm = certificates, confirm

    def __repr__(self) -> str:
        return f"SNS({', '.join(self._topics.values())})"

    def prepare(self, body: bytes, received_at: datetime) -> Callable[[], object] | None:
        """Return the download of the certificate, None where it is known.

        Raises :class:`InvalidSignature` where none is needed to find the signature invalid.
        """
        url = self._read(body).certificate_url
        if self._certificates.has(url):
            return None
        return partial(self._certificates.find, url, received_at)

    def authenticate(
        self, _headers: Headers, body: bytes, received_at: datetime, _url: str | None = None
    ) -> Metadata:
        """Return the metadata of a request whose signature is valid.

        May download the certificate. Raises :class:`InvalidSignature`, and :class:`Unavailable`
        where Amazon does not answer.
        """
        message = self._read(body)
        key = self._certificates.find(message.certificate_url, received_at)
        key.verify(message)
        topic, number = message.fields["TopicArn"], message.fields["MessageId"]
        return Metadata(self._topics[topic], received_at, number)

    def answer(self, _body: bytes, message: Message, _secret: str) -> Answer | None:
        """Return the confirmation of a subscription, if it is wanted."""
        url = field_at(message.envelope, "data.SubscribeURL")
        if message.event != "SubscriptionConfirmation" or not self._confirm:
            return None
        if not is_confirmation_url(url):
            raise MalformedDelivery("the SubscribeURL is not one of Amazon")
        return Answer(b"", work=partial(self._certificates.fetch, url))

    def _read(self, body: bytes) -> SignedMessage:
        """Return the message, after every check that needs no certificate."""
        message = read_message(read_unverified(body))
        if message.version not in self._versions or message.fields["TopicArn"] not in self._topics:
            raise InvalidSignature("mismatch")
        return message


def _check_topic(name: str, secret: bytes) -> str:
    topic = secret.decode("ascii", "replace")
    if not TOPIC.fullmatch(topic):
        raise ConfigurationError(
            f"{redact_name(name)} is not the ARN of a topic.",
            "Pass the topic's ARN: arn:aws:sns:<region>:<account>:<name>.",
        )
    return topic
