"""A request for a page: its cookies, and its fields, of which a stranger may send many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.inspected import request


@pytest.mark.parametrize(
    ("max_age", "is_secure", "attributes"),
    [
        (None, False, []),
        (0, False, ["Max-Age=0"]),
        (30, False, ["Max-Age=30"]),
        (None, True, ["Secure"]),
        (30, True, ["Max-Age=30", "Secure"]),
    ],
)
def test_cookie_lasts_for_the_session_or_some_seconds(
    max_age: int | None, attributes: list[str], *, is_secure: bool
) -> None:
    asked = replace(request("/"), is_secure=is_secure)
    expected = ["a=b", "HttpOnly", "SameSite=Strict", "Path=/", *attributes]
    assert asked.cookie("a", "b", max_age) == ("Set-Cookie", "; ".join(expected))


def test_first_field_of_a_name_counts_and_may_be_empty() -> None:
    assert request("/?a=&b=2&a=1").query == {"a": "", "b": "2"}
    assert request("/", method="POST", body=b"a=1&a=2").form == {"a": "1"}


def test_form_of_too_many_fields_is_empty() -> None:
    fields = [f"f{number}=1" for number in range(21)]
    assert len(request("/", method="POST", body="&".join(fields[:20]).encode()).form) == 20
    assert request("/", method="POST", body="&".join(fields).encode()).form == {}
