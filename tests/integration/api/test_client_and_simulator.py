"""Both clients against the simulator over real HTTP, with lost answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from florentin_webhooks import MemoryStore, Receiver, events
from florentin_webhooks.api import AsyncFlorentinAPI, FlorentinAPI
from florentin_webhooks.core.processing.handler_scope import TRACKING
from florentin_webhooks.errors import APIError, APIUnavailable
from florentin_webhooks.simulator import Simulator
from florentin_webhooks.testing import Provider
from tests.support.server import under_uvicorn

SECRET = "whsec_0123456789abcdef0123456789abcdef"
TOKEN = "42|kP3f9c-made-up"
REFUSALS = {"500": (500, []), "429": (429, [(b"retry-after", b"0")])}

LONGEST = {"drop": 30, "delay": 1.5, "500": 30, "429": 30}
"""How long a client waits for an answer, by what happens to it."""


class FaultyDomain:
    """A simulated domain that answers the next requests with *faults*."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.faults: list[str] = []
        self.requests = 0
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        self.requests += 1
        if fault in REFUSALS:
            status, headers = REFUSALS[fault]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body"})
        elif fault == "drop":
            await self._simulator.app(scope, receive, _drop)
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [(b"content-length", b"9")],
                }
            )
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
        elif fault == "delay":
            await self._simulator.app(scope, receive, _drop)
            while await receive() != {"type": "http.disconnect"}:
                pass
        else:
            await self._simulator.app(scope, receive, send)


async def _drop(_: Message) -> None: ...


@pytest.fixture(scope="module")
def domain() -> Iterator[FaultyDomain]:
    with Simulator() as simulator:
        simulator.add_token(TOKEN)
        domain = FaultyDomain(simulator)
        with under_uvicorn(domain, lifespan="off") as port:
            domain.url = f"http://127.0.0.1:{port}/api/v1"
            yield domain


@pytest.fixture(autouse=True)
def _restored(domain: FaultyDomain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TRACKING, "is_enabled", TRACKING.is_enabled)
    domain.faults, domain.requests = [], 0


@pytest.fixture
def api(domain: FaultyDomain) -> Iterator[FlorentinAPI]:
    with FlorentinAPI(domain.url, TOKEN, timeout=30) as api:
        yield api


def test_blocking_client_does_everything_that_the_domain_offers(api: FlorentinAPI) -> None:
    ada = api.customers.create(name="Ada Books", email="ada@adabooks.example")
    assert api.customers.show(ada.id).name == "Ada Books"
    assert ada.id in {each.id for each in api.customers.list()}
    assert [each.name for each in api.products.list()] == ["Workspace"]
    assert [each.id for each in api.plans.list()][:2] == ["starter", "team"]
    bought = api.subscriptions.purchase(customer=ada.id, plan="starter")
    assert bought.id
    assert api.subscriptions.upgrade(bought.id, plan="team").previous_plan == "starter"
    assert api.subscriptions.downgrade(bought.id, plan="starter").plan == "starter"
    assert api.subscriptions.cancel(bought.id).status == "cancelled"
    assert api.subscriptions.show(bought.id).status == "cancelled"
    assert [each.id for each in api.subscriptions.list(customer=ada.id)] == [bought.id]
    invoice = api.invoices.create(customer=ada.id, amount_due=4900, currency="eur")
    assert invoice.id
    assert api.invoices.show(invoice.id).amount_due == 4900
    assert [each.id for each in api.invoices.list(customer=ada.id)] == [invoice.id]
    member = api.team_members.add(customer=ada.id, email="m@adabooks.example", role="editor")
    assert [each.id for each in api.team_members.list(customer=ada.id)] == [member.id]
    assert api.terms.accept(customer=ada.id, email="m@adabooks.example", version="2").version == "2"
    assert api.logins.record(customer=ada.id, email="m@adabooks.example").customer_id == ada.id
    api.credits.consume(customer=ada.id, amount=3, reason="report")
    assert 3 in api.usage.summary(customer=ada.id).metrics.values()


def test_api_key_is_shown_once_and_revoked(domain: FaultyDomain, api: FlorentinAPI) -> None:
    key = api.api_keys.create(name="reports", scopes=["api:read"])
    assert key.token
    assert key.token not in repr(key)
    with FlorentinAPI(domain.url, key.token) as reader:
        next(reader.customers.list(), None)
        with pytest.raises(APIError) as caught:
            reader.customers.create(name="Ada", email="ada@adabooks.example")
    assert caught.value.status_code == 403
    assert {each.token for each in api.api_keys.list()} == {None}
    api.api_keys.revoke(key.id or "")
    with FlorentinAPI(domain.url, key.token) as revoked, pytest.raises(APIError, match="401"):
        next(revoked.customers.list())


@pytest.mark.anyio
async def test_asyncio_client_reads_all_pages(domain: FaultyDomain) -> None:
    async with AsyncFlorentinAPI(domain.url, TOKEN) as api:
        ada = await api.customers.create(name="Ada", email="ada@adabooks.example")
        charge = api.invoices.create
        await asyncio.gather(
            *(charge(customer=ada.id, amount_due=1, currency="eur") for _ in range(30))
        )
        found: AsyncIterator[Any] = api.invoices.list(customer=ada.id)
        assert len({invoice.number async for invoice in found}) == 30
        assert (await api.usage.summary(customer=ada.id)).customer_id == ada.id


@pytest.mark.parametrize(
    ("ask", "status", "detail"),
    [
        (lambda api: api.customers.show("7c1f"), 404, "customer not found"),
        (lambda api: api.customers.create(name="Ada", email=""), 422, "email is required"),
    ],
)
def test_refusal_has_the_message_of_the_domain(
    api: FlorentinAPI, ask: Callable[[FlorentinAPI], object], status: int, detail: str
) -> None:
    with pytest.raises(APIError) as caught:
        ask(api)
    assert (caught.value.status_code, caught.value.detail) == (status, detail)


def test_wrong_token_is_refused(domain: FaultyDomain) -> None:
    with FlorentinAPI(domain.url, "42|wrong") as api, pytest.raises(APIError) as caught:
        next(api.customers.list())
    assert caught.value.detail == "invalid or missing bearer token"


@pytest.mark.parametrize("fault", [*LONGEST])
def test_lost_answers_charge_once(domain: FaultyDomain, fault: str) -> None:
    with FlorentinAPI(domain.url, TOKEN, timeout=LONGEST[fault]) as api:
        ada = api.customers.create(name="Ada", email="ada@adabooks.example")
        domain.faults, domain.requests = [fault], 0
        usage = api.credits.consume(customer=ada.id, amount=5, reason="report")
        assert domain.requests == 2
    assert set(usage.metrics.values()) == {5}


@pytest.mark.anyio
@pytest.mark.parametrize("fault", [*LONGEST])
async def test_lost_answers_charge_once_in_asyncio(domain: FaultyDomain, fault: str) -> None:
    async with AsyncFlorentinAPI(domain.url, TOKEN, timeout=LONGEST[fault]) as api:
        ada = await api.customers.create(name="Ada", email="ada@adabooks.example")
        domain.faults, domain.requests = [fault], 0
        usage = await api.credits.consume(customer=ada.id, amount=5, reason="report")
        assert domain.requests == 2
    assert set(usage.metrics.values()) == {5}


def test_customer_whose_answer_is_lost_is_not_created_twice(
    domain: FaultyDomain, api: FlorentinAPI
) -> None:
    before = sum(1 for _ in api.customers.list())
    domain.faults = ["drop"]
    with pytest.raises(APIUnavailable):
        api.customers.create(name="Ada", email="ada@adabooks.example")
    assert sum(1 for _ in api.customers.list()) == before + 1


def test_handler_that_is_retried_charges_once(domain: FaultyDomain, api: FlorentinAPI) -> None:
    ada = api.customers.create(name="Ada", email="ada@adabooks.example")
    hooks = Receiver(SECRET, store=MemoryStore())

    @hooks.on("user.login")
    def charge(_: events.UserLogin) -> None:
        with FlorentinAPI(domain.url, TOKEN, retries=0) as client:
            client.credits.consume(customer=ada.id, amount=5, reason="login")

    made = Provider(SECRET).make("user.login")
    domain.faults = ["drop"]
    assert [hooks.receive(*made).status, hooks.receive(*made).status] == [500, 200]
    assert set(api.usage.summary(customer=ada.id).metrics.values()) == {5}
