"""The two clients: the same calls, blocking and for asyncio."""

from __future__ import annotations

import logging
import traceback
from typing import assert_type

import httpx2
import pytest

from florentin_webhooks.api import AsyncFlorentinAPI, FlorentinAPI
from florentin_webhooks.api.models import Customer
from florentin_webhooks.errors import APIError, APIUnavailable
from tests.support.scripted_api import TOKEN, URL, ScriptedAPI

ADA = {"id": "7c1f", "email": "ada@adabooks.example"}
SECRET = TOKEN.partition("|")[2]


def found(*ids: str, total: int, page: int = 1) -> tuple[int, object]:
    return 200, {
        "data": [{**ADA, "id": each} for each in ids],
        "meta": {"page": page, "total": total},
    }


def test_customer_is_created_as_documented() -> None:
    script = ScriptedAPI((201, {"data": ADA, "meta": {"message": "Customer created successfully"}}))
    customer = script.client().customers.create(name="Ada", email="ada@adabooks.example")
    assert_type(customer, Customer)
    (request,) = script.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/customers")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert list(script.bodies) == [{"name": "Ada", "email": "ada@adabooks.example"}]
    assert (customer.id, customer.email) == ("7c1f", "ada@adabooks.example")


@pytest.mark.anyio
async def test_asyncio_client_has_the_same_calls() -> None:
    script = ScriptedAPI((200, {"data": ADA}))
    async with script.async_client() as api:
        kept = await api.customers.show("7c1f")
    assert_type(kept, Customer)
    assert await script.async_client().customers.show("7c1f") == kept
    assert [request.url.path for request in script.requests] == ["/api/v1/customers/7c1f"] * 2


def test_list_reads_page_after_page() -> None:
    script = ScriptedAPI(found("a", "b", total=3), found("c", total=3, page=2))
    customers = script.client().customers.list()
    assert next(customers).id == "a"
    assert len(script.requests) == 1  # The second page is read when it is needed.
    assert [each.id for each in customers] == ["b", "c"]
    assert [request.url.query for request in script.requests] == [b"", b"page=2"]


@pytest.mark.anyio
async def test_asyncio_list_reads_page_after_page() -> None:
    script = ScriptedAPI(found("a", "b", total=3), found("c", total=3, page=2))
    assert [each.id async for each in script.async_client().customers.list()] == ["a", "b", "c"]


def test_refusal_is_an_error_with_status_and_message() -> None:
    script = ScriptedAPI((422, {"error": {"message": "email is required"}}))
    with pytest.raises(APIError) as caught:
        script.client().customers.create(name="Ada", email="")
    assert (caught.value.status_code, caught.value.detail) == (422, "email is required")
    assert not isinstance(caught.value, APIUnavailable)


@pytest.mark.anyio
async def test_lost_answer_is_an_error_without_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    script = ScriptedAPI(httpx2.ReadError(f"reset while sending {TOKEN}"))
    api, other = script.client(retries=0), script.async_client(retries=0)
    with pytest.raises(APIUnavailable) as caught:
        api.customers.show("7c1f")
    with pytest.raises(APIUnavailable) as also:
        await other.customers.show("7c1f")
    for each in (caught.value, also.value):
        written = "".join(
            traceback.TracebackException.from_exception(each, capture_locals=True).format()
        )
        assert SECRET not in f"{written}{each!r}{each.__context__!r}"
    assert SECRET not in f"{caplog.text}{api!r}{other!r}"


def test_redirect_is_not_followed() -> None:
    script = ScriptedAPI((307, {}, {"location": "https://elsewhere.example/api/v1/customers"}))
    with pytest.raises(APIError, match=r"with 307: it redirects\. Correct base_url"):
        script.client().customers.show("7c1f")
    assert len(script.requests) == 1


def test_longer_reply_than_allowed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("florentin_webhooks.api.transports.LONGEST_REPLY", 100)
    script = ScriptedAPI((200, b" " * 101))
    with pytest.raises(APIError, match="longer than 100 bytes"):
        script.client().customers.show("7c1f")
    assert len(script.requests) == 1


def test_compressed_reply_is_refused() -> None:
    script = ScriptedAPI((200, b"{}", {"content-encoding": "br"}))
    with pytest.raises(APIError, match="is compressed"):
        script.client().customers.show("7c1f")


def test_operations_show_their_own_documentation() -> None:
    from florentin_webhooks.api.resources.customers import Customers

    assert (Customers.show.__doc__ or "").startswith("Return one customer")
    assert (Customers.list.__doc__ or "").startswith("Return all customers")


def test_repr_names_the_url_only() -> None:
    assert repr(FlorentinAPI(URL, TOKEN)) == f"FlorentinAPI({URL!r})"
    assert repr(AsyncFlorentinAPI(URL, TOKEN)) == f"AsyncFlorentinAPI({URL!r})"
