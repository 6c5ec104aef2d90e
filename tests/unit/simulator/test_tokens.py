"""Bearer tokens: found by their whole text, and stored as a digest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.simulator.database import Database
from florentin_webhooks.simulator.tokens import Scope, Tokens


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    database = Database()
    with database.transaction() as connection:
        yield Tokens(connection)
    database.close()


def test_issued_token_is_found_by_its_whole_text(tokens: Tokens) -> None:
    token, text = tokens.issue("ci", [Scope.READ])
    assert tokens.find(f"Bearer {text}") == token
    assert tokens.find(f"bearer  {text}") == token
    for wrong in (text, f"Bearer {text}x", f"Bearer {text[:-1]}", f"Basic {text}", "Bearer ", None):
        assert tokens.find(wrong) is None


def test_given_token_takes_the_place_of_its_id(tokens: Tokens) -> None:
    tokens.put("42|first-secret", "a", Scope)
    tokens.put("42|other-secret", "b", [Scope.ADMIN])
    assert tokens.find("Bearer 42|first-secret") is None
    found = tokens.find("Bearer 42|other-secret")
    assert found is not None
    assert found == (42, "b", frozenset({Scope.ADMIN}))


@pytest.mark.parametrize(
    "text", ["", "42", "42|", "42|short", "x|a-secret", "42|with space", "4|a|b|c|d"]
)
def test_token_of_another_form_is_refused(text: str, tokens: Tokens) -> None:
    with pytest.raises(ConfigurationError, match=r"does not have the form <id>\|<secret>"):
        tokens.put(text, "simulate", Scope)
