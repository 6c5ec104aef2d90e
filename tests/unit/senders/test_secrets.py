"""Secrets: every form of them, their names, and what is refused without being shown."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretBytes, SecretStr

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.secrets import (
    MINIMUM_SECRET,
    normalize_secrets,
    redact_name,
    validate_strength,
)

SECRET = "a-secret-of-some-length"
RAW = SECRET.encode()


def refused(secrets: Any) -> ConfigurationError:  # Any: also what no type allows.
    with pytest.raises(ConfigurationError) as caught:
        validate_strength(secrets)
    assert caught.value.message.endswith((".", ")"))
    assert caught.value.hint.endswith(".")
    return caught.value


@pytest.mark.parametrize("secret", [SECRET, RAW, SecretStr(SECRET), SecretBytes(RAW)])
def test_every_form_of_a_secret_is_read(secret: Any) -> None:
    assert normalize_secrets(secret) == [("secret-1", RAW)]
    assert normalize_secrets([secret, secret]) == [("secret-1", RAW), ("secret-2", RAW)]
    assert normalize_secrets({"2026-11": secret}) == [("2026-11", RAW)]


@pytest.mark.parametrize("secrets", [[], (), {}])
def test_no_secret_is_refused(secrets: Any) -> None:
    assert refused(secrets).message == "No secret is configured."


@pytest.mark.parametrize("secret", ["", b"", "   ", "\n", SecretStr("")])
def test_a_blank_secret_is_refused(secret: Any) -> None:
    assert refused(secret).message == "secret-1 is empty or blank."


@pytest.mark.parametrize(("secret", "kind"), [(None, "NoneType"), (7, "int"), ({SECRET}, "set")])
def test_another_type_is_refused_by_its_name(secret: Any, kind: str) -> None:
    assert refused(secret).message == f"secret-1 is {kind}, not str or bytes."


def test_a_secret_that_is_not_utf_8_is_refused() -> None:
    assert refused("\ud800" * 20).message == "secret-1 is not valid UTF-8."


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (f" {SECRET}", "has white space around it"),
        (f"{SECRET}\t".encode(), "has white space around it"),
        (f"\n{SECRET}\n", "has white space around it"),
        (f"{SECRET}\n", "ends with a newline"),
        (f"{SECRET}\r", "ends with a newline"),
        (f"{SECRET}\r\n", "ends with a newline"),
        (f"{SECRET}\n\n", "ends with 2 newlines"),
        (f"{SECRET}\r\n\r\n", "ends with 2 newlines"),
        (f'"{SECRET}"', "has quotes around it"),
        (f"'{SECRET}'", "has quotes around it"),
    ],
)
def test_what_is_around_a_secret_is_refused(secret: str | bytes, reason: str) -> None:
    assert refused(secret).message == f"secret-1 {reason}."


@pytest.mark.parametrize(
    ("secret", "found"),
    [
        (f"\ufeff{SECRET}", "at its beginning: BYTE ORDER MARK (U+FEFF)"),
        (f"{SECRET}\u200b", "at its end: ZERO WIDTH SPACE (U+200B)"),
        (f"{SECRET}\u00a0".encode(), "at its end: NO-BREAK SPACE (U+00A0)"),
        (f"a{chr(0x2060)}{SECRET}", "inside: WORD JOINER (U+2060)"),
        (f"{SECRET}\ufe0f", "at its end: VARIATION SELECTOR-16 (U+FE0F)"),
        (f"{SECRET}\u3164", "at its end: HANGUL FILLER (U+3164)"),
        (f"{SECRET}\u2028", "at its end: LINE SEPARATOR (U+2028)"),
    ],
)
def test_invisible_character_in_a_secret_is_refused_by_name(secret: Any, found: str) -> None:
    error = refused(secret)
    assert error.message == f"secret-1 has an invisible character {found}."
    assert SECRET not in str(error)


def test_secret_in_utf_16_is_refused() -> None:
    assert refused(SECRET.encode("utf-16")).message == "secret-1 is UTF-16, not UTF-8."


@pytest.mark.parametrize(
    "secret", ["geheim-für-Zoë-ΔΩ", "pass phrase of five words", b"\xc3\x28" * 9]
)
def test_visible_and_arbitrary_secrets_are_taken(secret: str | bytes) -> None:
    validate_strength(secret)


@pytest.mark.parametrize("secret", ["x" * (MINIMUM_SECRET - 1), b"short"])
def test_a_short_secret_is_refused(secret: str | bytes) -> None:
    assert f"has {len(secret)} bytes, fewer than 16." in refused(secret).message


def test_weak_secret_among_good_ones_is_refused_by_name() -> None:
    assert refused({"old": SECRET, "new": "short"}).message.startswith("new has 5 bytes")


def test_a_name_that_is_not_a_text_is_refused() -> None:
    assert refused({1: SECRET}).message == "The name of a secret is int, not str."


@pytest.mark.parametrize("value", ["2026-11", " a name with spaces around it ", "", None, "\ud800"])
def test_secret_in_place_of_its_name_is_not_shown(value: Any) -> None:
    assert SECRET not in str(refused({SECRET: value}))


@pytest.mark.parametrize("name", ["", "2026-11", "FLORENTIN_WEBHOOK_SECRET_PREVIOUS"])
def test_short_names_and_names_of_variables_are_shown(name: str) -> None:
    assert redact_name(name) == name


@pytest.mark.parametrize("name", [SECRET, "x" * MINIMUM_SECRET, 7])
def test_any_other_name_is_not_shown(name: object) -> None:
    assert str(name) not in redact_name(name)
