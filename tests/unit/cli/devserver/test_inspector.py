"""The inspector of a development session: on this machine, or with a password."""

from __future__ import annotations

import socket
import sys
import webbrowser
from collections.abc import Iterator
from typing import Any

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.cli.devserver import inspector
from florentin_webhooks.cli.devserver.inspector import (
    PASSWORD_VARIABLE,
    add_inspector,
    open_browser,
    page_url,
)
from florentin_webhooks.cli.devserver.web import ServerState
from florentin_webhooks.cli.output import Output

SECRET = "a-secret-of-the-inspector-tests"


async def program(_scope: Any, _receive: Any, _send: Any) -> None: ...


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with socket.create_server((request.param, 0)) as listener:
        yield listener


def added(listener: socket.socket) -> tuple[bool, str]:
    """Return whether the inspector was added, and the sentence about it."""
    urls: dict[Receiver[object], str] = {Receiver(SECRET): "http://127.0.0.1:1/x"}
    app, sentence = add_inspector(program, urls, listener, ServerState())
    return app is not program, sentence


def test_inspector_is_for_this_machine_without_a_password(listener: socket.socket) -> None:
    is_local = listener.getsockname()[0] == "127.0.0.1"
    is_added, sentence = added(listener)
    assert is_added == is_local
    expected = f"See each delivery at {page_url(listener)}" if is_local else "No inspector: "
    assert sentence.startswith(expected)


def test_password_opens_the_inspector_to_others(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "a-long-password")
    is_added, sentence = added(listener)
    assert is_added
    assert sentence == f"See each delivery at {page_url(listener)}, as user florentin"


def test_missing_jinja2_leaves_the_program_alone(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspector, "find_spec", lambda _: None)
    assert added(listener) == (
        False,
        'For a page of deliveries, run: pip install "florentin-webhooks[dev]"',
    )


@pytest.mark.parametrize(("display", "is_terminal"), [("", True), (":0", False), (":0", True)])
def test_browser_opens_for_a_person_only(
    display: str, is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: is_terminal, raising=False)
    open_browser(Output(False, "never"), "http://127.0.0.1:1/")
    assert opened == ["http://127.0.0.1:1/"] * (bool(display) and is_terminal)
