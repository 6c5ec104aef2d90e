"""The settings of a client: what is refused at its construction."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks.api.settings import Settings
from florentin_webhooks.errors import ConfigurationError
from tests.support.scripted_api import TOKEN

URL = "https://shop.florentin.ai/api/v1"


def test_slash_at_the_end_of_the_url_is_removed() -> None:
    assert Settings(f"{URL}/", TOKEN).base_url == URL


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "not the URL of an API"),
        ("shop.florentin.ai/api/v1", "not the URL of an API"),
        ("ftp://shop.florentin.ai", "not the URL of an API"),
        ("https://shop.florentin.ai:port/", "not the URL of an API"),
        ("https:///api/v1", "not the URL of an API"),
        (f"{URL}?page=2", "not the URL of an API"),
        ("https://ada:secret@shop.florentin.ai/api/v1", "holds a user or a password"),
        ("http://shop.florentin.ai/api/v1", "unencrypted"),
    ],
)
def test_url_that_cannot_be_the_api_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        Settings(url, TOKEN)
    assert caught.value.hint.endswith(".")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["base_url", "token"])
def test_value_of_an_unset_variable_is_refused(name: str) -> None:
    values: dict[str, Any] = {"base_url": URL, "token": TOKEN, name: None}
    with pytest.raises(ConfigurationError, match=f"{name} is of type NoneType, not str"):
        Settings(**values)


@pytest.mark.parametrize("host", ["127.0.0.1:8600", "localhost", "[::1]:8600"])
def test_this_machine_needs_no_tls(host: str) -> None:
    assert Settings(f"http://{host}/api/v1", TOKEN).base_url == f"http://{host}/api/v1"


def test_own_network_needs_no_tls_where_it_is_allowed() -> None:
    settings = Settings("http://florentin/api/v1", TOKEN, allow_http=True)
    assert settings.base_url == "http://florentin/api/v1"


@pytest.mark.parametrize(
    "token", ["", "  ", "no_bar", "42|", "|secret", f"{TOKEN}\n", f'"{TOKEN} "', "42|sécret"]
)
def test_token_of_another_form_is_refused_and_not_quoted(token: str) -> None:
    with pytest.raises(ConfigurationError, match="The token") as caught:
        Settings(URL, token)
    assert not token.strip() or token.strip() not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", 0),
        ("timeout", float("nan")),
        ("timeout", 601),
        ("timeout", None),
        ("total", -1),
        ("retries", -1),
        ("retries", 11),
        ("retries", "2"),
    ],
)
def test_limit_out_of_range_is_refused(name: str, value: float) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(ConfigurationError, match=name):
        Settings(URL, TOKEN, **options)


def test_token_is_not_in_the_repr() -> None:
    assert "secret" not in repr(Settings(URL, TOKEN))


def test_token_and_its_secret_are_hidden_in_texts() -> None:
    secret = TOKEN.partition("|")[2]
    assert Settings(URL, TOKEN).hide(f"no {TOKEN}, {secret}") == "no ***, ***"
