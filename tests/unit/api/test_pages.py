"""The pages of a list: where it ends."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from florentin_webhooks.api import pages
from florentin_webhooks.api.models import Customer
from florentin_webhooks.api.pages import Pages
from florentin_webhooks.api.request import APIReply, APIRequest
from florentin_webhooks.errors import APIError

REQUEST = APIRequest("GET", "/customers", Customer)


def reply(ids: Sequence[str], **meta: int) -> APIReply:
    data = [{"id": each, "email": "ada@adabooks.example"} for each in ids]
    return APIReply(200, {}, json.dumps({"data": data, "meta": meta}).encode())


def test_list_ends_when_all_objects_have_come() -> None:
    listed = Pages(REQUEST)
    listed.read(reply("ab", page=1, total=3))
    second = listed.next_request()
    assert second
    assert second.query == {"page": "2"}
    assert [each.id for each in listed.read(reply("c", page=2, total=3))] == ["c"]
    assert listed.next_request() is None


@pytest.mark.parametrize("answer", [reply("", page=1, total=3), reply("ab"), reply("ab", page=1)])
def test_list_ends_at_an_empty_page_or_without_a_total(answer: APIReply) -> None:
    listed = Pages(REQUEST)
    listed.read(answer)
    assert listed.next_request() is None


def test_first_page_is_asked_for_without_its_number() -> None:
    first = Pages(REQUEST).next_request()
    assert first
    assert dict(first.query) == {}


def test_another_page_than_asked_for_is_an_error() -> None:
    listed = Pages(REQUEST)
    listed.read(reply("a", page=1, total=3))
    with pytest.raises(APIError, match="asked for page 2 and answered 1"):
        listed.read(reply("a", page=1, total=3))


def test_list_without_an_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_PAGES", 2)
    listed = Pages(REQUEST)
    for _ in range(2):
        assert listed.next_request()
        listed.read(reply("a", total=10**9))
    assert listed.next_request() is None
