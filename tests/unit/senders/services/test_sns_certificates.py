"""Certificates of Amazon SNS: one download each, a few a minute, outside the event loop."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import InvalidSignature, Unavailable
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import SNS
from florentin_webhooks.senders.services.sns_certificates import (
    MAX_CERTIFICATES,
    MAX_DOWNLOADS,
    PERIOD,
    Certificates,
)
from tests.support import sns
from tests.support.senders import NOW
from tests.support.sns import CERTIFICATE_URL, TOPIC, Amazon

pytestmark = pytest.mark.one_process
BODY = b'{"Type": "Notification", "Message": "paid"}'


def receiver(amazon: Amazon, now: datetime = NOW) -> Receiver[object]:
    return Receiver(TOPIC, sender=SNS(fetch=amazon.fetch), clock=lambda: now)


def url_of(number: int) -> str:
    return CERTIFICATE_URL.replace("-0", f"-{number}")


def test_certificate_is_downloaded_once_for_all_receivers_of_a_sender() -> None:
    amazon = Amazon()
    sender = SNS(fetch=amazon.fetch)
    for name in ("a", "b"):
        hooks = Receiver(TOPIC, sender=sender, name=name, clock=lambda: NOW)
        for _ in range(2):
            hooks.verify({}, sns.sign(BODY, NOW))
    assert amazon.fetched == [CERTIFICATE_URL]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (OSError("unreachable"), Outcome.UNAVAILABLE),
        (sns.refusal(503), Outcome.UNAVAILABLE),
        (sns.refusal(500), Outcome.UNAVAILABLE),
        (sns.refusal(403), Outcome.INVALID_SIGNATURE),
        (sns.refusal(302), Outcome.INVALID_SIGNATURE),
        (b"not a certificate", Outcome.INVALID_SIGNATURE),
    ],
)
def test_url_without_a_certificate_is_refused(answer: bytes | OSError, outcome: Outcome) -> None:
    amazon = Amazon({CERTIFICATE_URL: answer})
    reply = receiver(amazon).receive({}, sns.sign(BODY, NOW))
    assert reply.outcome is outcome


@pytest.mark.parametrize("kind", ["ec", "small", "other"])
def test_certificate_of_another_key_is_refused(kind: str) -> None:
    amazon = Amazon({CERTIFICATE_URL: sns.certificate(kind)})
    with pytest.raises(InvalidSignature):
        receiver(amazon).verify({}, sns.sign(BODY, NOW))


@pytest.mark.parametrize("kind", ["ec", "small"])
def test_certificate_of_a_weak_key_is_not_kept(kind: str) -> None:
    certificates = Certificates(Amazon({CERTIFICATE_URL: sns.certificate(kind)}).fetch)
    with pytest.raises(InvalidSignature):
        certificates.find(CERTIFICATE_URL, NOW)
    assert not certificates.has(CERTIFICATE_URL)


def test_download_that_failed_is_tried_again() -> None:
    amazon = Amazon({CERTIFICATE_URL: OSError("unreachable")})
    hooks, body = receiver(amazon), sns.sign(BODY, NOW)
    assert hooks.receive({}, body).outcome is Outcome.UNAVAILABLE
    amazon.answers[CERTIFICATE_URL] = sns.certificate("amazon")
    assert hooks.receive({}, body).outcome is Outcome.IGNORED


def test_certificate_is_valid_from_its_first_to_its_last_second() -> None:
    key, second = Certificates(Amazon().fetch).find(CERTIFICATE_URL, NOW), timedelta(seconds=1)
    first, last = key._valid
    assert [key.is_valid(each) for each in (first, last)] == [True, True]
    assert [key.is_valid(each) for each in (first - second, last + second)] == [False, False]


def test_expired_certificate_is_refused() -> None:
    now = datetime.fromisoformat("2027-06-06T12:00:00+00:00")
    with pytest.raises(InvalidSignature):
        receiver(Amazon(), now).verify({}, sns.sign(BODY, now))


def test_downloads_are_limited_and_known_certificates_are_not() -> None:
    amazon = Amazon()
    certificates = Certificates(amazon.fetch)
    known, second = certificates.find(CERTIFICATE_URL, NOW), timedelta(seconds=1)
    for number in range(1, MAX_DOWNLOADS):
        with pytest.raises(InvalidSignature):
            certificates.find(url_of(number), NOW + number * second)
    with pytest.raises(Unavailable, match="Too many"):
        certificates.find(url_of(99), NOW + PERIOD - second)
    assert certificates.find(CERTIFICATE_URL, NOW) is known
    with pytest.raises(InvalidSignature):
        certificates.find(url_of(99), NOW + PERIOD)
    with pytest.raises(Unavailable, match="Too many"):
        certificates.find(url_of(99), NOW + PERIOD)
    assert len(amazon.fetched) == MAX_DOWNLOADS + 1


def test_oldest_of_many_certificates_is_forgotten() -> None:
    urls = [url_of(number) for number in range(MAX_CERTIFICATES + 1)]
    certificates = Certificates(Amazon(dict.fromkeys(urls, sns.certificate("amazon"))).fetch)
    for number, url in enumerate(urls):
        certificates.find(url, NOW + number * PERIOD)
    assert [certificates.has(url) for url in urls] == [False, *[True] * MAX_CERTIFICATES]


@pytest.mark.parametrize("secrets", [TOPIC, lambda _request: TOPIC], ids=["fixed", "tenants"])
def test_asyncio_program_downloads_in_a_thread(secrets: Any) -> None:  # Any: as a receiver takes.
    threads = list[threading.Thread]()

    def fetch(url: str) -> bytes:
        threads.append(threading.current_thread())
        return sns.fetch(url)

    hooks = Receiver(secrets, sender=SNS(fetch=fetch, confirm=True), clock=lambda: NOW, name="t")
    bodies = BODY, b'{"Type": "SubscriptionConfirmation"}', b"{}"
    outcomes = [asyncio.run(hooks.areceive({}, sns.sign(body, NOW))).outcome for body in bodies]
    assert outcomes == [Outcome.IGNORED, Outcome.UNAVAILABLE, Outcome.INVALID_SIGNATURE]
    assert len(threads) == 2  # The certificate and the confirmation, which is refused.
    assert threading.main_thread() not in threads


def test_body_that_is_too_large_downloads_nothing() -> None:
    amazon = Amazon()
    sender = SNS(fetch=amazon.fetch)
    hooks = Receiver(TOPIC, sender=sender, max_body=100, clock=lambda: NOW)
    assert hooks.receive({}, sns.sign(BODY, NOW)).outcome is Outcome.TOO_LARGE
    assert amazon.fetched == []


def test_time_of_the_message_is_judged() -> None:
    old = sns.sign(BODY, NOW - timedelta(hours=2, seconds=1))
    assert receiver(Amazon()).receive({}, old).outcome is Outcome.STALE
    assert json.loads(old)["Timestamp"] == "2026-06-06T09:59:59.000Z"
