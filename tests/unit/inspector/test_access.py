"""Who may see the pages: this machine, or whom ``auth`` lets in; under known hosts only."""

import base64
from typing import Any

import pytest

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.inspector.access import Access, Auth, ensure_private
from tests.support.inspected import request

PAIR = ("ada", "a-long-password")


def status(access: Access, **given: str) -> int:
    refused = access.refuse(request("/", **given))  # type: ignore[arg-type]  # as request() takes.
    return 200 if refused is None else refused.status


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_needs_no_password(client: str) -> None:
    assert status(Access(None), client=client) == 200


@pytest.mark.parametrize("client", ["10.0.0.7", "::ffff:10.0.0.7", "testclient", ""])
def test_other_machines_are_refused_without_auth(client: str) -> None:
    assert status(Access(None), client=client) == 403


def test_client_that_is_not_known_is_refused_without_auth() -> None:
    refused = Access(None).refuse(request("/", client=None))
    assert refused is not None
    assert refused.status == 403


PROXIES = (
    "forwarded via x_forwarded_for x_forwarded_proto x_real_ip cf_connecting_ip true_client_ip"
)


@pytest.mark.parametrize("header", PROXIES.split())
def test_proxied_request_is_refused_without_auth(header: str) -> None:
    assert status(Access(None), **{header: "127.0.0.1"}) == 403


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"]
)
def test_host_of_this_machine_is_known(host: str) -> None:
    assert status(Access(None), host=host) == 200


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.example", "", "localhost@x", "a b"])
def test_unknown_host_is_refused(host: str) -> None:
    assert status(Access(PAIR), host=host, authorization=basic(*PAIR)) == 403


def test_named_host_is_known() -> None:
    access = Access(PAIR, ["hooks.example"])
    assert status(access, host="Hooks.example:443", authorization=basic(*PAIR)) == 200
    assert status(Access(lambda _: True, None), host="any.example", client="10.0.0.7") == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("given", [{"client": "10.0.0.7"}, {"host": "rebound.example"}])
def test_refused_request_neither_shows_nor_changes(method: str, given: dict[str, Any]) -> None:
    asked = request("/", method=method, **given)
    answer = Access(None).answer(asked, show=pytest.fail, change=pytest.fail)  # type: ignore[arg-type]
    assert answer.status == 403


def test_allowed_methods_are_named() -> None:
    asked = request("/", method="PUT")
    answer = Access(None).answer(asked, show=pytest.fail, change=pytest.fail)  # type: ignore[arg-type]
    assert (answer.status, dict(answer.headers)["Allow"]) == (405, "GET, POST")


def test_password_lets_other_machines_in() -> None:
    assert status(Access(PAIR), client="10.0.0.7", authorization=basic(*PAIR)) == 200


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Basic",
        "Basic !",
        "Basic é",
        "Bearer x",
        basic(*PAIR).replace("Basic", "Bearer"),
        basic("ada", "wrong"),
        basic("", ""),
    ],
)
def test_wrong_password_is_asked_for_again(sent: str) -> None:
    refused = Access(PAIR).refuse(request("/", authorization=sent))
    assert refused is not None
    assert refused.status == 401
    assert "WWW-Authenticate" in dict(refused.headers)


def test_function_that_refuses_asks_for_no_password() -> None:
    refused = Access(lambda _: False).refuse(request("/"))
    assert refused is not None
    assert (refused.status, "WWW-Authenticate" in dict(refused.headers)) == (403, False)


def test_shortest_password_is_taken() -> None:
    pair = ("ada", "p" * 12)
    assert status(Access(pair), authorization=basic(*pair)) == 200


def test_function_decides_for_each_request() -> None:
    access = Access(lambda asked: asked.header("x-staff") == "yes")
    assert status(access, client="10.0.0.7", x_staff="yes") == 200
    assert status(access, x_staff="no") == 403


@pytest.mark.parametrize(
    "auth", [("ada",), ("ada", "short"), ("", "a-long-password"), ("a:b", "a-long-password"), 7]
)
def test_invalid_auth_is_refused_at_start(auth: Auth) -> None:
    with pytest.raises(ConfigurationError, match="neither a function nor a user"):
        Access(auth)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "hooks.example"])
def test_server_open_to_others_needs_auth(host: str) -> None:
    with pytest.raises(ConfigurationError, match="open to everyone"):
        ensure_private(host, None)
    ensure_private(host, PAIR)


def test_server_on_this_machine_needs_no_auth() -> None:
    for host in ("127.0.0.1", "localhost", "LocalHost", "::1", "[::1]"):
        ensure_private(host, None)


def test_auth_that_is_async_lets_nobody_in() -> None:
    async def is_operator(_: object) -> bool:
        return True

    access = Access(is_operator)  # type: ignore[arg-type]  # as a program without types may.
    with pytest.raises(ConfigurationError, match="which nothing awaits"):
        status(access)


def test_hosts_as_one_text_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="one text, not several names"):
        Access(None, "hooks.example")
