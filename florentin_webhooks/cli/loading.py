"""Import the user's receiver from ``module:name``, and say what is wrong where that fails."""

from __future__ import annotations

import sys
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

import click

from florentin_webhooks import loading
from florentin_webhooks.cli.failures import Failure, Misuse, Terminated, nearest
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.loading import NoReceiver

if TYPE_CHECKING:
    from florentin_webhooks.receiver import Receiver

__all__ = ["load", "split"]

_EXAMPLE = "shop.hooks:hooks"


def split(app: str) -> tuple[str, str]:
    """Give module and name of ``module:name``."""
    try:
        return loading.split(app)
    except NoReceiver as error:
        raise Misuse(error.fact, f"{_command()} {_EXAMPLE}") from None


def load(app: str) -> Receiver:
    """Import the receiver that *app* names; modules of the working directory come first."""
    module_name, name = split(app)
    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        return loading.load(app)
    except NoReceiver as error:
        raise Misuse(error.fact, _next_step(error, module_name, name)) from None
    except Terminated:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a module does.
        raise _broken(module_name, error) from None


def _next_step(error: NoReceiver, module: str, name: str) -> str:
    if meant := nearest(name, error.near) or next(iter(error.near), None):
        return f"{_command()} {module}:{meant}"
    return error.hint if error.hint.startswith("cd ") else "hooks = Receiver(...) there"


def _command() -> str:
    context = click.get_current_context(silent=True)
    return context.command_path if context else "florentin-webhooks dev"


def _broken(name: str, error: BaseException) -> Failure:
    plain = isinstance(error, ConfigurationError | ModuleNotFoundError)
    reason = str(error) if plain else f"{type(error).__name__}: {error}"
    first = reason.strip().partition("\n")[0]
    return Failure(f"{name} cannot be imported ({_where(error)}): {first}", "correct that line")


def _where(error: BaseException) -> str:
    """Give the place in the user's own files at which the import came to its end."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)] or frames
    return f"{own[-1].filename}:{own[-1].lineno}"


def _is_own(filename: str) -> bool:
    ours = Path(__file__).parents[1]
    return Path(filename).is_file() and not (
        Path(filename).is_relative_to(ours)
        or {"site-packages", "importlib"} & set(Path(filename).parts)
    )
