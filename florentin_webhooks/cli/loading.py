"""Import the user's receiver from ``module:name``, and say what is wrong where that fails."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

from florentin_webhooks.cli.failures import Failure, Misuse, nearest
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.receiver import Receiver

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["load", "split"]

_EXAMPLE = "florentin-webhooks dev shop.hooks:hooks"


def split(app: str) -> tuple[str, str]:
    """Give module and name of ``module:name``."""
    module, colon, name = app.partition(":")
    words = [*module.split("."), *name.split(".")]
    if not colon or not all(word.isidentifier() for word in words):
        message = f"{app!r} does not name a receiver as module:name"
        raise Misuse(message, _EXAMPLE)
    return module, name


def load(app: str) -> Receiver:
    """Import the receiver that *app* names; modules of the working directory come first."""
    module_name, name = split(app)
    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    module = _import(module_name)
    value: object = module
    for part in name.split("."):
        value = getattr(value, part, None)
    if not isinstance(value, Receiver):
        raise _no_receiver(module, name, value)
    return value


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ConfigurationError as error:
        raise _broken(name, str(error), error) from None
    except ModuleNotFoundError as error:
        # Is it the module that was asked for, or one that it imports itself?
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            message = f"there is no module {error.name!r} in this directory or environment"
            next_step = "cd to the directory that holds it, or correct the name"
            raise Misuse(message, next_step) from None
        raise _broken(name, str(error), error) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a module does.
        raise _broken(name, f"{type(error).__name__}: {error}", error) from None


def _broken(name: str, reason: str, error: BaseException) -> Failure:
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


def _no_receiver(module: ModuleType, name: str, value: object) -> Failure:
    found = [each for each, held in vars(module).items() if isinstance(held, Receiver)]
    meant = nearest(name, found) or next(iter(found), None)
    if value is None:
        message = f"{module.__name__} has no {name!r}"
    else:
        message = f"{module.__name__}:{name} is no Receiver but of type {type(value).__name__}"
    dev = "florentin-webhooks dev"
    next_step = f"{dev} {module.__name__}:{meant}" if meant else "hooks = Receiver(...) there"
    return Misuse(message, next_step)
