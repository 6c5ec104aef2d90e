"""Personal data in captured bodies: replaced by shape, and what says what happened is kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from florentin_webhooks.testing.redaction import KEPT, Redaction

RULES = Redaction(b"a random key")


def test_texts_keep_their_shape_and_lose_their_content() -> None:
    given = {"user": {"email": "ada.b@books.example", "name": "Ada Byron", "id": "usr_31c8"}}
    user = json.loads(json.dumps(RULES.redact(given)))["user"]
    assert not {"ada", "books", "Byron", "31"} & set(json.dumps(user).replace(".", " ").split())
    shapes = {
        name: "".join("9" if c.isdigit() else "a" if c.isalpha() else c for c in text)
        for name, text in user.items()
    }
    assert shapes == {"email": "aaa.a@aaaaa.aaaaaaa", "name": "aaa aaaaa", "id": "aaa_99a9"}
    assert user["name"][0].isupper()


@pytest.mark.parametrize(
    "kept",
    [
        {"status": "open", "plan": "team", "currency": "eur", "type": "invoice.paid"},
        {"created": "2026-06-06T12:00:00.000Z", "day": "2026-06-06"},
        {"amount_due": 4900, "ratio": 0.5, "paid": True, "note": None},
    ],
)
def test_what_says_what_happened_is_kept(kept: dict[str, object]) -> None:
    assert RULES.redact(kept) == kept


def test_personal_numbers_are_replaced() -> None:
    redacted = RULES.redact({"phone": 491701234567, "home_lat": 52.5163, "lists": [{"zip": 10117}]})
    assert isinstance(redacted, dict)
    assert redacted["phone"] != 491701234567
    assert len(str(redacted["phone"])) == 12
    assert redacted["home_lat"] != 52.5163
    assert redacted["lists"] != [{"zip": 10117}]


def test_equal_texts_stay_equal_under_one_key_only() -> None:
    first, again, other = (
        RULES.redact(text) for text in ("acc_5f1d77", "acc_5f1d77", "acc_5f1d78")
    )
    assert first == again != other
    assert Redaction(b"another key").redact("acc_5f1d77") != first


def test_further_keys_are_kept_on_request() -> None:
    rules = Redaction(b"a random key", KEPT | {"team"})
    assert rules.redact({"team": "Editorial"}) == {"team": "Editorial"}


@given(st.text(max_size=200))
def test_any_text_keeps_its_length(text: str) -> None:
    redacted = RULES.redact(text)
    assert isinstance(redacted, str)
    assert len(redacted) == len(text)
