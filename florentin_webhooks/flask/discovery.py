"""The app of a receiver: its context for handlers, its commands, and its path for workers."""

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
from florentin_webhooks.flask.config import APP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

__all__ = ["app_import_path", "bind_receiver", "ensure_receiver"]

_COMMAND = "florentin"
_FACTORIES = ("create_app", "make_app")
"""The names that Flask itself looks for in a module."""


def bind_receiver(app: Flask, hooks: Receiver[object]) -> None:
    """Run the handlers of *hooks* in *app*'s context, also in workers; the latest app counts.

    The first receiver of an app is the one that import paths and ``flask florentin`` lead to.
    """
    hooks.handler_context = app.app_context
    if app.extensions.setdefault(EXTENSION, hooks) is hooks:
        tree = command_tree(_path, name=_COMMAND, program=_program)
        app.cli.add_command(tree)


def ensure_receiver(hooks: object) -> None:
    """Raise :class:`ConfigurationError` unless *hooks* is a receiver, as the extension is not."""
    if not isinstance(hooks, Receiver):
        raise ConfigurationError(
            f"webhook_blueprint() takes a Receiver, not {type(hooks).__name__}.",
            "Pass a Receiver. The extension mounts itself by init_app(app); its receiver is "
            'app.extensions["florentin_webhooks"].',
        )


def app_import_path(app: Flask) -> str:
    """Return the import path under which workers find *app*: configured, its own, or its factory.

    Raises :class:`ConfigurationError` if they could not import it.
    """
    if configured := cast("dict[str, object]", app.config).get(APP):
        parse_import_path(str(configured))
        return str(configured)
    for candidate in (app, *_factories(app.import_name)):
        with suppress(ConfigurationError):
            return find_import_path(candidate, frozenset({app.import_name}))
    raise ConfigurationError(
        f"Workers cannot import the app {app.import_name!r}: it is not a global of a module, and "
        "its module has no create_app() that needs no arguments.",
        'Set FLORENTIN_APP to its import path, such as "shop:create_app".',
    )


def _factories(module: str) -> Iterator[object]:
    for name in _FACTORIES:
        function = getattr(sys.modules.get(module), name, None)
        if inspect.isfunction(function) and _needs_no_arguments(function):
            yield function


def _needs_no_arguments(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    return True


def _path() -> str:
    app = _program()
    hooks = cast("Receiver", app.extensions[EXTENSION])
    # With a queue, it must be the path that jobs name: a worker calls no other factory.
    return app_import_path(app) if hooks.queue is None else hooks.path


def _program() -> Flask:
    """Return the app that ``flask`` has loaded for the running command."""
    return click.get_current_context().ensure_object(ScriptInfo).load_app()
