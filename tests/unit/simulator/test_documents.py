"""Objects of the domain: found by kind and id, and listed page by page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from florentin_webhooks.simulator.database import Database
from florentin_webhooks.simulator.documents import PAGE_SIZE, Documents
from florentin_webhooks.simulator.refusal import Refusal


@pytest.fixture
def documents() -> Iterator[Documents]:
    database = Database()
    with database.transaction() as connection:
        yield Documents(connection)
    database.close()


def test_object_is_found_by_kind_and_id(documents: Documents) -> None:
    documents.add("plan", {"id": "1", "name": "a"})
    documents.add("product", {"id": "1", "name": "b"})
    documents.update("plan", {"id": "1", "name": "c"})
    assert documents.get("plan", "1")["name"] == "c"
    assert documents.get("product", "1")["name"] == "b"
    with pytest.raises(Refusal, match="invoice not found"):
        documents.get("invoice", "1")


def test_pages_hold_the_objects_of_an_owner(documents: Documents) -> None:
    for number in range(PAGE_SIZE + 2):
        documents.add("invoice", {"id": str(number)}, "ada" if number else "grace")
    found, total = documents.page("invoice", 2, "ada")
    assert ([each["id"] for each in found], total) == ([str(PAGE_SIZE + 1)], PAGE_SIZE + 1)
    assert documents.page("invoice", 1, "grace")[1] == 1
