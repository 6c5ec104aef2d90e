"""The development server serves one path and nothing else."""

from __future__ import annotations

import errno
import signal
import socket
from importlib.util import find_spec

import httpx2
import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.cli.devserver import web
from florentin_webhooks.cli.devserver.web import (
    PATH,
    build_app,
    ending_on_sigterm,
    listen,
    public_url,
    require_extra,
)
from florentin_webhooks.cli.errors import CLIError, Terminated
from florentin_webhooks.testing import Provider

SECRET = "a-secret-of-sixteen-and-more"


@pytest.mark.anyio
async def test_only_the_path_of_deliveries_is_served() -> None:
    hooks = Receiver(SECRET)
    hooks.on("user.login")(lambda _: None)
    transport = httpx2.ASGITransport(build_app(hooks))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        headers, body = Provider(SECRET).make("user.login")
        assert (await client.post(PATH, content=body, headers=headers)).status_code == 200
        missed = await client.post("/other", content=body, headers=headers)
    assert missed.status_code == 404
    assert missed.json()["error"]["message"] == f"Deliveries go to POST {PATH}."


@pytest.mark.anyio
async def test_each_tenant_is_served_at_a_path_of_its_own() -> None:
    secrets = {"acme": SECRET}
    hooks = Receiver(lambda request: secrets[request.path_params["tenant"]], name="tenants")
    hooks.on("user.login")(lambda _: None)
    transport = httpx2.ASGITransport(build_app(hooks))
    statuses = list[int]()
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        headers, body = Provider(SECRET).make("user.login")
        for path in ("/acme", "/globex", "", "/acme/more"):
            answer = await client.post(PATH + path, content=body, headers=headers)
            statuses.append(answer.status_code)
    assert statuses == [200, 401, 401, 404]


def test_used_port_is_named() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(CLIError, match=f"Port {port} at 127.0.0.1 is used"),
            listen("127.0.0.1", port),
        ):
            pass


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1"), ("0.0.0.0", "http://127.0.0.1")]
)
def test_url_is_reachable_from_this_machine(host: str, url: str) -> None:
    with listen(host, 0) as listener:
        port = listener.getsockname()[1]
        assert public_url(listener) == f"{url}:{port}{PATH}"
        socket.create_connection(("127.0.0.1", port)).close()


def test_sigterm_ends_the_block_with_its_code() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated) as raised, ending_on_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert raised.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_missing_extra_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_extra("uvicorn")
    monkeypatch.setattr(web, "find_spec", lambda name: None if name == "x" else find_spec(name))
    with pytest.raises(CLIError, match=r'needs x, .*pip install "florentin-webhooks\[dev\]"'):
        require_extra("x")


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (OSError(errno.EADDRINUSE, "Address already in use"), "a free port, use: --port 0"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), "an address of this machine, use: --host"),
        (PermissionError(errno.EACCES, "Permission denied"), "no rights, use: --port 8000"),
    ],
)
def test_hint_fits_why_the_address_is_refused(
    error: OSError, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(CLIError) as raised, listen("127.0.0.1", 80):
        pass
    assert hint in raised.value.hint
