"""The inspector of a development session, in front of the program that serves the receivers."""

from __future__ import annotations

import os
import sys
import webbrowser
from importlib.util import find_spec
from typing import TYPE_CHECKING

from florentin_webhooks.cli.devserver.web import PATH, public_url
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from socket import socket

    from starlette.types import ASGIApp

    from florentin_webhooks.cli.devserver.web import ServerState
    from florentin_webhooks.cli.output import Output
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["PASSWORD_VARIABLE", "add_inspector", "open_browser", "page_url"]

PASSWORD_VARIABLE = "FLORENTIN_INSPECTOR_PASSWORD"  # noqa: S105 - the variable's name.
_USER = "florentin"
_PREFIX = "/_florentin"


def page_url(listener: socket) -> str:
    """Return the URL of the inspector for programs on this machine."""
    return f"{public_url(listener).removesuffix(PATH)}{_PREFIX}/"


def add_inspector(
    app: ASGIApp,
    urls: Mapping[Receiver[object], str],
    listener: socket,
    state: ServerState,
) -> tuple[ASGIApp, str]:
    """Return *app* with the inspector of the receivers in *urls*, and a sentence about it.

    Without the inspector where other machines could reach it, unless a password is set.
    """
    if find_spec("jinja2") is None:
        return app, 'For a page of deliveries, run: pip install "florentin-webhooks[dev]"'
    from florentin_webhooks.inspector.access import ensure_private  # noqa: PLC0415 - an extra.

    password = os.environ.get(PASSWORD_VARIABLE)
    auth = (_USER, password) if password else None
    try:
        ensure_private(listener.getsockname()[0], auth)
    except ConfigurationError as error:
        return app, f"No inspector: {error.message} Set {PASSWORD_VARIABLE} to have one."
    user = f", as user {_USER}" if auth else ""
    sentence = f"See each delivery at {page_url(listener)}{user}"
    return _mount(app, urls, auth, state.is_stopping), sentence


def _mount(
    app: ASGIApp,
    urls: Mapping[Receiver[object], str],
    auth: tuple[str, str] | None,
    is_stopping: Callable[[], bool],
) -> ASGIApp:
    from florentin_webhooks.inspector.app import Inspector, mount_inspector  # noqa: PLC0415
    from florentin_webhooks.inspector.header_capture import HeaderCapture  # noqa: PLC0415
    from florentin_webhooks.inspector.simulation import Simulation  # noqa: PLC0415

    inspector = Inspector(
        *urls,
        auth=auth,
        hosts=None if auth else (),  # A browser sends the password to no other name.
        show_bodies=True,
        show_errors=True,
        simulation=Simulation(urls),
        is_stopping=is_stopping,
    )
    return mount_inspector(HeaderCapture(app, urls), inspector, _PREFIX)


def open_browser(out: Output, url: str) -> None:
    """Open *url* in a graphical browser, if a person is there to see it."""
    has_display = sys.platform == "darwin" or any(
        map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY"))
    )
    if has_display and not out.json and sys.stdin.isatty() and sys.stdout.isatty():
        webbrowser.open(url)
