"""Attacks through what an event says."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from florentin_webhooks import Delivery, Router
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import CATALOGUE, Event, InvoiceCreated, UnknownEvent, UserLogin
from tests.support.receivers import Target
from tests.support.vectors import CANONICAL, T0, delivery, envelope

ROOT = Path(__file__).parents[2]


@pytest.mark.answers("EVT-02", "event-header-forged")
@pytest.mark.parametrize("event", sorted(CATALOGUE.keys() - {"invoice.created"}))
def test_header_with_another_event_is_malformed(event: str) -> None:
    assert Target().send(delivery(event=event)).outcome == "malformed"


def test_two_different_event_headers_are_malformed() -> None:
    request = delivery()
    doubled = request._replace(headers=(*request.headers, (b"x-florentin-event", b"user.login")))
    assert Target().send(doubled).outcome == "malformed"


@pytest.mark.answers("EVT-04")
@pytest.mark.parametrize("event", [None, 1, ["invoice.created"], {}, True, "", "a\nb", "x" * 201])
def test_event_that_is_not_a_name_is_malformed(event: object) -> None:
    body = envelope({}).replace(b'"user.login"', envelope(event).split(b'"data": ')[1][:-1])
    request = delivery(body).without("X-Florentin-Event")
    assert Target().send(request).outcome == "malformed"


@pytest.mark.answers("EVT-04")
@pytest.mark.parametrize("event", [" invoice.created", "Invoice.Created", "invoice.created ", "os"])
def test_event_name_is_not_trimmed_or_folded(event: str) -> None:
    target = Target()
    target.send(delivery(envelope({}, event)).without("X-Florentin-Event"))
    ((received, _),) = target.ran
    assert type(received) is UnknownEvent


@pytest.mark.answers("EVT-05")
def test_undocumented_fields_are_kept() -> None:
    body = CANONICAL.replace(b'"id":', b'"new":[1],"id":')[:-1] + b',"also":{"x":null}}'
    target = Target()
    target.send(delivery(body))
    ((event, _),) = target.ran
    assert isinstance(event, InvoiceCreated)
    assert event.model_extra == {"also": {"x": None}}
    assert event.data.invoice.model_extra == {"new": [1]}


class Strict(UserLogin, frozen=True):
    """A user's own model of a login."""

    session: str


@pytest.mark.answers("EVT-06")
def test_invalid_event_is_processed_once_its_model_is_fixed() -> None:
    request = delivery(envelope({}), event="user.login")
    before = Target(handled=False)
    before.receiver.on(Strict)(before.remember)
    after = Target(store=before.store)
    outcomes = [target.send(request).outcome for target in (before, after, after)]
    assert outcomes == ["invalid-event", "processed", "duplicate"]
    assert not before.ran
    assert len(after.ran) == 1


@pytest.mark.answers("EVT-13")
def test_registering_a_handler_twice_is_refused() -> None:
    router = Router()

    @router.on("user.login")
    def handler(_: UserLogin) -> None: ...

    with pytest.raises(ConfigurationError, match="twice"):
        router.on("user.login")(handler)


@pytest.mark.answers("EVT-13")
@pytest.mark.parametrize("name", ["invoice.creatd", "", "Invoice.Created"])
def test_registering_for_an_unknown_event_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no event"):
        Router().on(name)  # type: ignore[call-overload]


@pytest.mark.answers("EVT-13")
def test_registering_a_function_with_other_parameters_is_refused() -> None:
    def handler(_: Event, delivery: Delivery, more: str) -> None: ...

    with pytest.raises(ConfigurationError, match="parameters"):
        Router().on(Event)(handler)  # type: ignore[arg-type]


@pytest.mark.answers("EVT-14")
def test_events_are_handled_in_order_of_arrival() -> None:
    target = Target()
    for event, second in (("subscription.upgraded", 5), ("subscription.purchased", 0)):
        stamp = f"2026-06-06T12:00:0{second}.000Z"
        body = envelope({"subscription": {"id": "s"}}, event, stamp)
        assert target.send(delivery(body, event=event, delivery_id=event)).outcome == "processed"
    assert [event.timestamp - T0 for event, _ in target.ran] == [timedelta(seconds=5), timedelta(0)]


HOSTILE_TEXTS = [
    "{0.__class__}",
    "%(levelname)s %s %n",
    "'; DROP TABLE events; --",
    "{{7*7}}",
    "${jndi:ldap://127.0.0.1/x}",
    "__import__('os').system('true')",
    "\x00\x1b[31m\r\n",
]


@pytest.mark.answers("EVT-16")
@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_text_that_looks_like_code_stays_text(text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    target = Target()
    body = envelope({"user": {"name": text}})
    assert target.send(delivery(body, event="user.login", delivery_id=text)).outcome == "processed"
    ((event, _),) = target.ran
    assert isinstance(event, UserLogin)
    assert event.data.user.name == text


@pytest.mark.answers("EVT-16")
@pytest.mark.parametrize("text", HOSTILE_TEXTS[:-1])
def test_name_that_looks_like_code_is_an_unknown_event(text: str) -> None:
    target = Target()
    target.send(delivery(envelope({}, text)).without("X-Florentin-Event"))
    ((event, _),) = target.ran
    assert type(event) is UnknownEvent
    assert event.event == text


# An audit hook cannot be taken away again, so this has a process of its own.
RECEIVES_URLS = """
import sys
from tests.support.receivers import Target
from tests.support.vectors import delivery, envelope

target, seen = Target(), []
urls = ["http://169.254.169.254/", "file:///etc/passwd", "redis://localhost", "gopher://x/"]
request = delivery(envelope({"user": {"name": urls[0]}, "urls": urls}), event="user.login")
target.send(delivery())
watched = ("open", "socket.", "subprocess.", "os.system", "import", "urllib.")
sys.addaudithook(lambda event, _: seen.append(event) if event.startswith(watched) else None)
outcome = target.send(request).outcome
sys.stdout.write(f"{outcome} {seen}")
"""


@pytest.mark.answers("EVT-15")
def test_urls_in_the_data_are_not_opened() -> None:
    reported = subprocess.run(
        [sys.executable, "-c", RECEIVES_URLS], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert reported.stdout == "processed []"


@pytest.mark.answers("JSON-15")
@pytest.mark.parametrize(
    "extra",
    [
        b'"wide":{' + b",".join(b'"%d":0' % n for n in range(100_000)) + b"}",
        b'"wide":"' + b"x" * 1_000_000 + b'"',
        b'"wide":[' + b",".join([b"0"] * 300_000) + b"]",
    ],
    ids=["keys", "string", "elements"],
)
def test_wide_body_is_parsed_within_a_second(extra: bytes) -> None:
    request = delivery(CANONICAL[:-2] + b"," + extra + b"}}")
    start = time.process_time()
    assert Target().send(request).outcome == "processed"
    assert time.process_time() - start < 1
