"""The same deliveries, honest and hostile, through every mount: one verdict, to the byte."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast  # Any: the arguments of receive.

import pytest
from django.test import override_settings
from starlette.types import ASGIApp

from florentin_webhooks import Receiver, Reply
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.django_settings import configure
from tests.support.http import Answer, call, scope_of
from tests.support.identity import recorded_key
from tests.support.mount_cases import ATTACKS, CASES, Gone
from tests.support.mounts import ASGI, WSGI, through_wsgi
from tests.support.receivers import Target
from tests.support.senders import CASES as SENDERS
from tests.support.vectors import CANONICAL, SECRET, T0, Request, delivery

PATH = "/webhooks/florentin"
ALL = CASES | ATTACKS
Mount = Callable[[Receiver, Request], Answer]


def to_answer(reply: Reply) -> Answer:
    return Answer(reply.status, {n.lower(): v for n, v in reply.headers}, reply.body)


def receive(receiver: Receiver, request: Request) -> Answer:
    refused = receiver.screen(request.method, request.headers)
    return to_answer(refused or receiver.receive(request.headers, request.body))


def areceive(receiver: Receiver, request: Request) -> Answer:
    async def program() -> Reply:
        refused = receiver.screen(request.method, request.headers)
        return refused or await receiver.areceive(request.headers, request.body)

    return to_answer(asyncio.run(program()))


def through_asgi(app: ASGIApp, request: Request, path: str, pieces: int = 1) -> Answer:
    """Return the answer of *app* to *request*, whose body comes in so many *pieces*."""
    body, size = request.body, -(-len(request.body) // pieces) or 1
    chunks = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    configure()
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        answer = asyncio.run(call(app, scope_of(request, path), chunks))
    assert answer is not None, "the app sent no answer"
    return answer._replace(headers={n.lower(): v for n, v in answer.headers.items()})


def asgi(mount: str, pieces: int) -> Mount:
    return lambda receiver, request: through_asgi(
        ASGI[mount](receiver, PATH), request, PATH, pieces
    )


def wsgi(mount: str) -> Mount:
    return lambda receiver, request: through_wsgi(WSGI[mount](receiver, PATH), request, PATH)


# A new mount is one more entry here.
MOUNTS: dict[str, Mount] = {
    "receive": receive,
    "areceive": areceive,
    "WSGI": wsgi("plain"),
    "WebhookApp": asgi("app", 1),
    "WebhookApp, body in pieces": asgi("app", 7),
    "WebhookMiddleware": asgi("middleware", 1),
    "WebhookMiddleware, body in pieces": asgi("middleware", 3),
    "FastAPI, body in pieces": asgi("fastapi", 5),
    "Flask": wsgi("flask"),
    "Django WSGI": wsgi("django"),
    "Django ASGI": asgi("django", 2),
}
each_mount = pytest.mark.parametrize("mount", MOUNTS.values(), ids=MOUNTS)

SERVED = {name: mount for name, mount in MOUNTS.items() if not name.endswith("receive")}
"""The mounts that know the URL of a request."""


@cache
def replies_to(name: str) -> list[Answer]:
    """Return what the receiver of a case replies without any mount."""
    receiver = ALL[name].build()
    return [receive(receiver, request) for request in ALL[name].requests]


def mistakes(mount: Mount, name: str) -> Iterator[object]:
    """Yield each answer of *mount* that differs from the outcome or from the receiver's reply."""
    case, receiver = ALL[name], ALL[name].build()
    for request, outcome, reply in zip(case.requests, case.outcomes, replies_to(name), strict=True):
        answer = mount(receiver, request)
        expected = (outcome, Outcome(outcome).status, reply.body)
        if (answer.outcome, answer.status, answer.body) != expected:
            yield answer, expected
        elif not reply.headers.items() <= answer.headers.items():
            yield answer.headers, reply.headers


@pytest.mark.answers(
    "HTTP-02",
    "HTTP-10",
    "HTTP-11",
    "content-type-charset",
    "every request",
    "missing-headers",
    "SIG-29",
    "store-down",
)
@each_mount
def test_mount_sends_the_reply_of_the_receiver_to_the_byte(mount: Mount) -> None:
    found = [(name, each) for name in ALL for each in mistakes(mount, name)]
    assert found == []


@each_mount
def test_reply_has_the_fingerprint(mount: Mount) -> None:
    answer = mount(Target().receiver, delivery())
    assert recorded_key(CANONICAL, SECRET).hex().encode() in answer.body


class Counting(Receiver):
    """A receiver that counts what passes its own methods."""

    counted = 0

    def receive(self, *request: Any) -> Reply:
        self.counted += 1
        return super().receive(*request)

    async def areceive(self, *request: Any) -> Reply:
        self.counted += 1
        return await super().areceive(*request)


@each_mount
def test_methods_of_a_subclass_get_each_delivery(mount: Mount) -> None:
    receiver = Counting(SECRET, clock=lambda: T0)
    assert mount(receiver, delivery()).outcome == "ignored"
    assert receiver.counted == 1


@each_mount
def test_reply_to_another_method_names_post_and_is_not_cached(mount: Mount) -> None:
    answer = mount(Target().receiver, delivery()._replace(method="GET"))
    assert answer.headers["allow"] == "POST"
    assert answer.headers["cache-control"] == "no-store"


@each_mount
def test_reply_of_an_unavailable_store_has_retry_after(mount: Mount) -> None:
    answer = mount(Target(store=Gone()).receiver, delivery())
    assert int(answer.headers["retry-after"]) > 0


@each_mount
def test_reply_is_json(mount: Mount) -> None:
    answer = mount(Target().receiver, delivery())
    assert answer.headers["content-type"] == "application/json"


def test_cases_cover_every_outcome() -> None:
    covered = {outcome for case in ALL.values() for outcome in case.outcomes}
    elsewhere = {
        "accepted",  # needs a queue
        "answered",  # needs a sender with challenges: unit/senders/test_base.py
        "in-progress",  # needs two at once: the conformance suite of the stores
        "read-timeout",  # needs a slow sender: integration
        "body-unavailable",  # needs a program that reads the body: integration
    }
    assert covered == {outcome.value for outcome in Outcome} - elsewhere


@pytest.mark.parametrize("mount", [MOUNTS["WSGI"], MOUNTS["Flask"], MOUNTS["Django WSGI"]])
def test_wsgi_mount_creates_no_event_loop(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> None:
        raise AssertionError("an event loop was made")

    monkeypatch.setattr("asyncio.events.new_event_loop", made)
    monkeypatch.setattr("asyncio.new_event_loop", made)
    assert mount(Target().receiver, delivery()).outcome == "processed"


@pytest.mark.one_process
@pytest.mark.parametrize("mount", SERVED.values(), ids=SERVED)
def test_mount_serves_other_senders_with_what_they_sign(mount: Mount) -> None:
    runs: list[str] = []
    for case in (case for case in SENDERS if case.name in {"stripe", "github", "twilio"}):
        receiver = case.receiver()
        case.subscribe(receiver, lambda event: runs.append(event.event))
        signed = case.sign(case.encode(case.payload), url=f"http://shop.example{PATH}")
        request = Request((), signed.body).with_headers(
            ("Host", "shop.example"), *signed.headers.items()
        )
        forged = request._replace(
            body=signed.body.replace(b"1", b"2").replace(b"opened", b"closed")
        )
        answers = [mount(cast("Receiver", receiver), each) for each in (request, request, forged)]
        success = 204 if case.name == "twilio" else 200
        assert [each.status for each in answers] == [success, success, 401], case.name
    assert runs == ["invoice.paid", "pull_request.opened", "message.received"]
