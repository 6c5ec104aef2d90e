"""Requests of other sites change nothing."""

from dataclasses import replace
from typing import Any  # Any: headers.

import pytest

from florentin_webhooks.inspector.actions import Notice
from florentin_webhooks.inspector.forgery import (
    COOKIE,
    FIELD,
    known_token,
    new_token,
    refuse_forged,
)
from florentin_webhooks.protocol.headers import HeaderMap
from tests.support.inspected import LOCAL, TOKEN, request

FORM = f"{FIELD}={TOKEN}".encode()
COOKIES = f"a=b; {COOKIE}={TOKEN}"


def is_refused(*, body: bytes = FORM, **headers: str) -> bool:
    headers.setdefault("cookie", COOKIES)
    return refuse_forged(request("/", method="POST", body=body, **headers)) is not None


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"origin": "http://127.0.0.1:8000"},
        {},
    ],
    ids=str,
)
def test_request_of_our_page_or_a_program_passes(headers: dict[str, Any]) -> None:
    assert not is_refused(**headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "null"},
        {"origin": "http://[::1"},
        {"sec_fetch_site": "cross-site", "origin": "http://127.0.0.1:8000"},
    ],
    ids=str,
)
def test_request_of_another_site_is_refused(headers: dict[str, Any]) -> None:
    assert is_refused(**headers)


def test_request_with_several_origins_is_refused() -> None:
    origins = [("origin", f"http://{LOCAL['host']}"), ("origin", "null")]
    asked = request("/", method="POST", body=FORM)
    asked = replace(asked, headers=HeaderMap([*LOCAL.items(), ("cookie", COOKIES), *origins]))
    refused = refuse_forged(asked)
    assert refused is not None
    assert b"Another site" in refused.body


@pytest.mark.parametrize("body", [b"", b"token=", b"token=" + b"0" * 32, b"\xff=\xff"])
def test_form_without_our_token_is_refused(body: bytes) -> None:
    assert is_refused(body=body)


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}=", f"{COOKIE}=short", f"x{COOKIE}={TOKEN}"])
def test_form_without_our_cookie_is_refused(cookie: str) -> None:
    assert is_refused(cookie=cookie)


@pytest.mark.parametrize("token", ["", TOKEN[1:], f"{TOKEN}0", f"-{TOKEN[1:]}", f"é{TOKEN[1:]}"])
def test_cookie_of_another_form_is_not_a_token(token: str) -> None:
    assert known_token(request("/", cookie=f"{COOKIE}={token}")) is None


def test_new_token_is_kept_from_scripts_and_other_sites() -> None:
    token, (name, value) = new_token(request("/"))
    assert name == "Set-Cookie"
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {*value.split("; ")}
    assert known_token(request("/", cookie=value.partition(";")[0])) == token
    assert new_token(request("/"))[0] != token


@pytest.mark.parametrize("is_secure", [True, False])
def test_cookie_of_a_page_over_tls_stays_there(is_secure: bool) -> None:
    asked = replace(request("/"), is_secure=is_secure)
    for _, value in (new_token(asked)[1], Notice("Sent.").cookie(asked)):
        assert ("Secure" in value.split("; ")) is is_secure
