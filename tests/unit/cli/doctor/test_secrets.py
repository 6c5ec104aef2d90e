"""Mistakes with secrets are found, and no message quotes a secret."""

from __future__ import annotations

from secrets import token_hex

import pytest

from florentin_webhooks.cli.doctor.check import State
from florentin_webhooks.cli.doctor.secrets import SecretFacts, check_secrets

NEW, OLD, OLDEST = (token_hex(32).encode() for _ in range(3))

MISTAKES = [
    (SecretFacts({"main": b"whsec_change_me_please"}), "fail secret-guessable", "settings"),
    (SecretFacts({"main": b"whsec_8d1f0c2b7a6e4953"}), "fail secret-guessable", "settings"),
    (SecretFacts({"main": b"aaaaaaaaaaaaaaaaaaaa"}), "fail secret-guessable", "settings"),
    (SecretFacts({"main": NEW}, b"S = '" + NEW + b"'"), "warn secret-in-source", "environment"),
    (SecretFacts({"main": NEW, "old": NEW}), "warn secret-repeated", "Remove one"),
    (SecretFacts({"a": NEW, "b": OLD, "c": OLDEST}), "warn secret-rotation", "delivery.secret"),
    (SecretFacts({"main": NEW}, environment={"SECRET_KEY": NEW}), "fail secret-reused", "its own"),
]


@pytest.mark.parametrize(("facts", "expected", "fix"), MISTAKES)
def test_mistake_is_found_and_not_quoted(facts: SecretFacts, expected: str, fix: str) -> None:
    (check,) = check_secrets(facts)
    assert f"{check.state} {check.name}" == expected
    assert fix in check.hint
    shown = f"{check} {facts!r}"
    assert not any(value.decode() in shown for value in facts.secrets.values())


def test_random_secret_of_its_own_is_sound() -> None:
    environment = {"FLORENTIN_WEBHOOK_SECRET": NEW, "API_TOKEN": OLD}
    (check,) = check_secrets(SecretFacts({"main": NEW}, b"import os", environment))
    assert (check.state, check.message) == (State.OK, "1 secret: main.")


def test_public_key_may_be_known() -> None:
    (check,) = check_secrets(SecretFacts({"main": NEW}, NEW, are_public=True))
    assert check.state is State.OK
