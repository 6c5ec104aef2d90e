"""Let a receiver work for an app: inside its context, from its command line, in its workers."""

from __future__ import annotations

import inspect
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import click
from flask.cli import ScriptInfo

from florentin_webhooks.cli.app import command_tree
from florentin_webhooks.core.loader import EXTENSION, parse_import_path
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.core.routing.import_path import find_import_path
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask.config import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

__all__ = ["app_import_path", "bind_receiver", "ensure_receiver"]

_COMMAND = "florentin"
_FACTORIES = ("create_app", "make_app")
"""What Flask itself looks for in a module."""


def bind_receiver(app: Flask, hooks: Receiver) -> None:
    """Run the handlers of *hooks* in *app*'s context, also in workers; the latest app counts.

    The first receiver of an app is the one that import paths and ``flask florentin`` lead to.
    """
    hooks.handler_context = app.app_context
    if app.extensions.setdefault(EXTENSION, hooks) is hooks:
        tree = command_tree(_path, name=_COMMAND, program=_program)
        app.cli.add_command(tree)


def ensure_receiver(hooks: object) -> None:
    """Raise :class:`ConfigurationError` for what receives nothing, such as the extension itself."""
    if not isinstance(hooks, Receiver):
        message = (
            f"webhook_blueprint() takes a Receiver, not {type(hooks).__name__}; the extension "
            'mounts itself by init_app(app), and a receiver is app.extensions["florentin_webhooks"]'
        )
        raise ConfigurationError(message)


def app_import_path(app: Flask) -> str:
    """Give the import path under which workers find *app*: as told, itself, or its factory.

    Raises :class:`ConfigurationError` where they could not import it.
    """
    if told := cast("dict[str, object]", app.config).get(f"{PREFIX}APP"):
        parse_import_path(str(told))
        return str(told)
    for candidate in (app, *_factories(app.import_name)):
        with suppress(ConfigurationError):
            return find_import_path(candidate, frozenset({app.import_name}))
    message = (
        f"no other process can import the app {app.import_name!r}: it is no global of a module, "
        "and its module has no create_app() that needs no arguments; say where it is, as in "
        'FLORENTIN_APP="shop:create_app"'
    )
    raise ConfigurationError(message)


def _factories(module: str) -> Iterator[object]:
    for name in _FACTORIES:
        function = getattr(sys.modules.get(module), name, None)
        if inspect.isfunction(function) and _needs_nothing(function):
            yield function


def _needs_nothing(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    return True


def _path() -> str:
    app = _program()
    hooks = cast("Receiver", app.extensions[EXTENSION])
    # What jobs name, where there are any: a worker calls no other factory.
    return app_import_path(app) if hooks.queue is None else hooks.path


def _program() -> Flask:
    """Give the app that ``flask`` has loaded for the command that runs."""
    return click.get_current_context().ensure_object(ScriptInfo).load_app()
