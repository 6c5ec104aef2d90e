"""A call with its retries: what is repeated, how often, and after which time."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field

import pytest

from florentin_webhooks.api.exchange import NoReply, exchange
from florentin_webhooks.api.models import Customer
from florentin_webhooks.api.request import APIReply, APIRequest, ModelT
from florentin_webhooks.api.settings import Settings
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import APIError, APIUnavailable
from tests.support.scripted_api import TOKEN, URL

READ = APIRequest("GET", "/customers", Customer)
CHANGE = APIRequest("POST", "/customers", Customer, body={})
KEYED = APIRequest("POST", "/credits/consume", Customer, body={"k": "1"}, key_field="k")
OK = APIReply(200, {}, b"{}")
ERROR = APIReply(500, {}, b"")
LOST = NoReply("ReadError")
UNSENT = NoReply("ConnectError", was_sent=False)


def refusal(status: int, message: str = "", retry_after: str = "") -> APIReply:
    body = json.dumps({"error": {"message": message}}).encode()
    return APIReply(status, {"retry-after": retry_after} if retry_after else {}, body)


@dataclass
class Clockwork:
    """A transport whose clock moves when it sends, for *each* seconds, and when it waits."""

    answers: list[APIReply | NoReply]
    each: float = 0.0
    time: float = 0.0
    allowed: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def send(self, request: APIRequest[ModelT], seconds: float) -> APIReply:
        del request
        self.allowed.append(seconds)
        self.time += self.each
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, NoReply):
            raise answer
        return answer

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def now(self) -> float:
        return self.time


def run(
    request: APIRequest[Customer], *answers: APIReply | NoReply, each: float = 0.0
) -> Clockwork:
    transport = Clockwork(list(answers), each)
    settings = Settings(URL, TOKEN, timeout=10, total=30, retries=2)
    assert run_sync(exchange(request, transport, settings)) is OK
    return transport


def fail(
    request: APIRequest[Customer], *answers: APIReply | NoReply, each: float = 0.0
) -> tuple[APIError, Clockwork]:
    transport = Clockwork(list(answers), each)
    with pytest.raises(APIError) as caught:
        run_sync(exchange(request, transport, Settings(URL, TOKEN, 10, 30, 2)))
    return caught.value, transport


@pytest.mark.parametrize("request_", [READ, KEYED])
@pytest.mark.parametrize("answer", [ERROR, refusal(429), refusal(503), LOST, UNSENT])
def test_safe_request_is_repeated(
    request_: APIRequest[Customer], answer: APIReply | NoReply
) -> None:
    transport = run(request_, answer, answer, OK)
    assert len(transport.allowed) == 3
    assert 0.25 <= transport.pauses[0] <= 0.5
    assert 0.5 <= transport.pauses[1] <= 1.0


@pytest.mark.parametrize("answer", [ERROR, refusal(429), LOST])
def test_change_without_a_key_is_not_repeated(answer: APIReply | NoReply) -> None:
    error, transport = fail(CHANGE, answer, OK)
    assert isinstance(error, APIUnavailable)
    assert len(transport.allowed) == 1


def test_change_that_was_never_sent_is_repeated() -> None:
    assert len(run(CHANGE, UNSENT, OK).allowed) == 2


def test_refused_request_is_not_repeated() -> None:
    error, transport = fail(READ, refusal(404, "customer not found"), OK)
    assert (error.status_code, error.detail) == (404, "customer not found")
    assert len(transport.allowed) == 1


def test_last_error_is_raised_after_all_retries() -> None:
    error, transport = fail(READ, LOST)
    assert len(transport.allowed) == 3
    assert error.status_code is None
    assert error.message == "The API did not answer GET /customers: ReadError."


def test_pause_is_what_the_api_asks_for() -> None:
    assert run(READ, refusal(429, retry_after="7"), OK).pauses == [7.0]


def test_longer_pause_than_the_total_is_left_to_the_caller() -> None:
    error, transport = fail(READ, refusal(429, retry_after="3600"), OK)
    assert (error.retry_after, transport.pauses) == (3600.0, [])


def test_all_attempts_together_take_no_longer_than_the_total() -> None:
    _, transport = fail(READ, LOST, each=14)
    assert transport.allowed[0] == 10
    assert len(transport.allowed) == 3
    assert transport.allowed[2] < 2


def test_nothing_is_sent_after_the_total() -> None:
    _, transport = fail(READ, LOST, each=31)
    assert len(transport.allowed) == 1


def test_token_is_hidden_in_every_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    quoting = NoReply(f"server said {TOKEN}")
    refused, _ = fail(READ, quoting, refusal(403, f"{TOKEN} is revoked"))
    lost, _ = fail(READ, quoting)
    texts = f"{refused}{refused.detail}{lost}{caplog.text}"
    assert "Trying again" in texts
    assert "kP3f9c" not in texts
