"""Import the user's receiver from ``module:name``, and say what is wrong where that fails."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

import click

from florentin_webhooks.cli.errors import CLIError, Terminated, UsageError
from florentin_webhooks.cli.host import current_host
from florentin_webhooks.cli.invocation import command_path, command_prefix
from florentin_webhooks.core import loader as loading
from florentin_webhooks.core.loader import ReceiverNotFound
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from florentin_webhooks.cli.host import HostProgram
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["load", "split"]

_EXAMPLE = "shop.hooks:hooks"
_SETTINGS = "DJANGO_SETTINGS_MODULE"


def split(app: str) -> tuple[str, str]:
    """Give module and name of ``module:name``."""
    try:
        return loading.parse_import_path(app)
    except ReceiverNotFound as error:
        raise UsageError(error.message, _typed(_EXAMPLE)) from None


def load(app: str) -> Receiver:
    """Import the receiver that *app* names; modules of the working directory come first.

    A framework has seen to it by itself where modules come from, and has made its program.
    """
    module, name = split(app)
    preset = current_host(click.get_current_context(silent=True))
    if preset is None:
        _look_here()
    failure = _not_set_up
    try:
        loading.set_up_django()
        failure = partial(_broken, app, module)
        return _load(app, preset)
    except ReceiverNotFound as error:
        raise UsageError(error.message, _next_step(error, module, name)) from None
    except Terminated:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a module does.
        raise failure(error) from None


def _look_here() -> None:
    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)


def _load(app: str, preset: HostProgram | None) -> Receiver:
    if preset is not None and preset.program is not None:
        loading.remember_program(app, preset.program())
    return loading.load_receiver(app)


def _next_step(error: ReceiverNotFound, module: str, name: str) -> str:
    if meant := closest_match(name, error.candidates) or next(iter(error.candidates), None):
        return _typed(f"{module}:{meant}")
    return error.hint


def _typed(app: str) -> str:
    """Give what to type with *app*, or where a framework has its path from."""
    context = click.get_current_context(silent=True)
    if current_host(context):
        return f"{app}, where {command_prefix(context)} gets its receiver from"
    return f"{command_path(context) if context else 'florentin-webhooks dev'} {app}"


def _not_set_up(error: BaseException) -> CLIError:
    fact = f"Django cannot be set up with {_SETTINGS}={os.environ[_SETTINGS]}"
    next_step = "correct that, or cd to the directory of manage.py"
    return CLIError(f"{fact}{_where(error)}: {_first_line(error)}", next_step)


def _broken(app: str, module: str, error: BaseException) -> CLIError:
    # A module that cannot be imported is not there, so that its function was never called.
    failed = f"{app} gives no receiver" if module in sys.modules else f"{module} cannot be imported"
    fact = f"{failed}{_where(error)}: {_first_line(error)}"
    return CLIError(fact, "correct that line")


def _first_line(error: BaseException) -> str:
    plain = isinstance(error, ConfigurationError | ModuleNotFoundError)
    reason = str(error) if plain else f"{type(error).__name__}: {error}"
    return reason.strip().partition("\n")[0]


def _where(error: BaseException) -> str:
    """Give the place in the user's own files at which it came to its end, if it was in one."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}:{error.lineno})"
    own = [each for each in extract_tb(error.__traceback__) if _is_own(each.filename)]
    return f" ({own[-1].filename}:{own[-1].lineno})" if own else ""


def _is_own(filename: str) -> bool:
    ours = Path(__file__).parents[1]
    return Path(filename).is_file() and not (
        Path(filename).is_relative_to(ours)
        or {"site-packages", "importlib"} & set(Path(filename).parts)
    )
