"""Import of the user's receiver from ``module:name``, with an explanation where it fails."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.devserver.session import join_session
from florentin_webhooks.cli.errors import CLIError, Terminated, UsageError
from florentin_webhooks.cli.host import current_host
from florentin_webhooks.cli.invocation import command_path, command_prefix
from florentin_webhooks.core import loader
from florentin_webhooks.core.loader import ReceiverNotFound
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.cli.host import HostProgram
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["add_working_directory", "expand", "load", "load_all", "validate_path"]

_EXAMPLE = "shop.hooks:hooks"
_SETTINGS = "DJANGO_SETTINGS_MODULE"


def validate_path(app: str) -> str:
    """Return the module of *app*; raise UsageError if it is not ``module:name``."""
    try:
        return loader.parse_import_path(app)[0]
    except ReceiverNotFound as error:
        raise UsageError(error.message, _use(_EXAMPLE)) from None


def expand(apps: Sequence[str]) -> list[str]:
    """Return import paths of receivers: those in *apps*, and each one in a module in *apps*.

    Raises UsageError, also for a module without a receiver that has a queue.
    """
    paths: list[str] = []
    for app in apps:
        found = [app] if ":" in app else _receivers_of(app)
        if not found:
            message = f"{app} has no receiver with a queue."
            raise UsageError(message, _use(f"{app}:hooks"))
        paths += found
    return list(dict.fromkeys(paths))


def load_all(module: str) -> list[Receiver[object]]:
    """Return each receiver with a queue in *module*."""
    return [load(path) for path in _receivers_of(module)]


def _receivers_of(module: str) -> list[str]:
    validate_path(f"{module}:hooks")
    add_working_directory()
    join_session()
    try:
        return loader.find_receivers(module)
    except ReceiverNotFound as error:
        raise UsageError(error.message, error.hint) from None
    except Terminated:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's module may raise anything.
        raise _import_failed(module, module, error) from None


def load(app: str) -> Receiver[object]:
    """Import the receiver *app*; modules of the working directory come first.

    A host program has set ``sys.path`` by itself and has created its program.
    """
    module = validate_path(app)
    host = current_host()
    if host is None:
        add_working_directory()
        join_session()
    failure = _django_failed
    try:
        loader.set_up_django()
        failure = partial(_import_failed, app, module)
        return _load(app, host)
    except ReceiverNotFound as error:
        raise UsageError(error.message, _hint(error, app)) from None
    except Terminated:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's module may raise anything.
        raise failure(error) from None


def add_working_directory() -> None:
    """Find the modules of the working directory first."""
    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)


def _load(app: str, host: HostProgram | None) -> Receiver[object]:
    if host is not None and host.program is not None:
        loader.remember_program(app, host.program())
    return loader.load_receiver(app)


def _hint(error: ReceiverNotFound, app: str) -> str:
    module, _, name = app.partition(":")
    if match := closest_match(name, error.candidates) or next(iter(error.candidates), None):
        return _use(f"{module}:{match}")
    return error.hint


def _use(app: str) -> str:
    """Return the hint to use *app*; where a host program names the receiver, to name it there."""
    if current_host():
        return f"Name {app} where {command_prefix()} gets its receiver from."
    context = click.get_current_context(silent=True)
    return f"Run: {command_path(context) if context else 'florentin-webhooks dev'} {app}"


def _django_failed(error: BaseException) -> CLIError:
    message = f"Cannot set Django up with {_SETTINGS}={os.environ[_SETTINGS]}"
    hint = f"Correct {_SETTINGS}, or change to the directory of manage.py."
    return CLIError(f"{message}{_place(error)}: {_first_line(error)}", hint)


def _import_failed(app: str, module: str, error: BaseException) -> CLIError:
    # A module that was not imported is missing from sys.modules; else its function has failed.
    failed = f"{app} failed" if module in sys.modules else f"Cannot import {module}"
    place = _place(error)
    if isinstance(error, ConfigurationError) and error.hint:  # It may be the environment's fault.
        return CLIError(f"{failed}{place}: {error.message}", error.hint)
    hint = "Correct that line." if place else "Correct its configuration."
    return CLIError(f"{failed}{place}: {_first_line(error)}", hint)


def _first_line(error: BaseException) -> str:
    plain = isinstance(error, ConfigurationError | ModuleNotFoundError)
    reason = str(error) if plain else f"{type(error).__name__}: {error}"
    line = reason.strip().partition("\n")[0]
    return f"{line.rstrip('.')}."


def _place(error: BaseException) -> str:
    """Return the line of the user's own files where *error* was raised, if it was raised there."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}:{error.lineno})"
    own = [each for each in extract_tb(error.__traceback__) if _is_own(each.filename)]
    return f" ({own[-1].filename}:{own[-1].lineno})" if own else ""


def _is_own(filename: str) -> bool:
    package = Path(__file__).parents[1]
    return Path(filename).is_file() and not (
        Path(filename).is_relative_to(package)
        or {"site-packages", "importlib"} & set(Path(filename).parts)
    )
