"""The configuration in environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from florentin_webhooks.core.config.keys import (
    FIELDS,
    ConfigKeys,
    Problem,
    Setting,
    raise_problems,
    read_config,
)
from florentin_webhooks.core.config.model import ReceiverConfig
from florentin_webhooks.protocol.strict_json import loads

__all__ = [
    "ENVIRONMENT",
    "PREFIX",
    "load_environment",
    "prepare_values",
    "read_environment",
    "read_secrets",
]

PREFIX = "FLORENTIN_"

_SECRET = "FLORENTIN_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable.
_PREVIOUS = "FLORENTIN_WEBHOOK_SECRET_PREVIOUS"
_SECRETS = "FLORENTIN_WEBHOOK_SECRETS"

_MISSPELT = 0.8
"""How like one of ours a variable must be to be a misspelt one. Others belong to the program."""

ENVIRONMENT = ConfigKeys(
    fields={
        _SECRET: "secrets",
        _PREVIOUS: "secrets",
        _SECRETS: "secrets",
        "FLORENTIN_REDIS_URL": "store",
        **{PREFIX + name.upper(): name for name in FIELDS if name != "secrets"},
    },
    where="The environment",
    secret=_SECRET,
    prefix=PREFIX,
)
"""The variables, each of which sets one field."""


def load_environment(environ: Mapping[str, str]) -> ReceiverConfig:
    """Return the configuration in *environ*. Raises :class:`ConfigurationError`.

    A variable that resembles one of ours is refused as misspelt. Other variables that begin with
    ``FLORENTIN_`` belong to the program, and are ignored.
    """
    problems: list[Problem] = []
    settings = read_environment(environ, problems)
    return raise_problems(read_config(ENVIRONMENT, settings, problems))


def read_environment(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, Setting]:
    """Return the settings in *environ* by field, and append to *problems*."""
    given = {key: value for key, value in environ.items() if _is_ours(key)}
    return ENVIRONMENT.assign(prepare_values(given, problems), problems)


def read_secrets(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, Setting]:
    """Return the setting of the secrets alone, if *environ* has any, and append to *problems*."""
    names = (_SECRET, _PREVIOUS, _SECRETS)
    return read_environment({key: environ[key] for key in names if key in environ}, problems)


def prepare_values(given: Mapping[str, object], problems: list[Problem]) -> dict[str, object]:
    """Return *given* without empty texts, with its secrets read, and append to *problems*.

    A secret of a variable of its own is named after it.
    """
    values = {key: value if value != "" else None for key, value in given.items()}
    named = {key: values[key] for key in (_SECRET, _PREVIOUS) if values.get(key) is not None}
    if named:
        values.pop(_PREVIOUS, None)
        values[_SECRET] = named
    if isinstance(several := values.get(_SECRETS), str):
        values[_SECRETS] = _parse_secrets(several, problems)
    return values


def _parse_secrets(text: str, problems: list[Problem]) -> object:
    # The text of the error is not used: it is about secrets.
    with suppress(ValueError):
        secrets = loads(text.encode())
        if type(secrets) in (dict, list):
            return secrets
    hint = 'Set it to a mapping such as {"2026-11": "...", "2025-02": "..."}, or to a list.'
    problems.append(Problem("secrets", f"{_SECRETS} is not JSON of several secrets.", hint))
    return None


def _is_ours(key: str) -> bool:
    return key.startswith(PREFIX) and ENVIRONMENT.nearest(key, _MISSPELT) is not None
