"""The configuration of a receiver in Flask's config, over the one in the environment.

A value may be a text, as in the environment. Where the config has a key, also with None, the
environment has no say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from florentin_webhooks.core.config.environment import (
    ENVIRONMENT,
    PREFIX,
    prepare_values,
    read_environment,
)
from florentin_webhooks.core.config.keys import Problem, raise_problems, read_config
from florentin_webhooks.core.config.model import ReceiverConfig
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.secrets import describe_value

__all__ = ["APP", "DEFAULT_PATH", "KEYS", "PATH", "load_flask_config", "mount_path"]

DEFAULT_PATH = "/webhooks/florentin"
PATH = "FLORENTIN_PATH"
"""The key of the path at which the extension mounts its receiver."""
APP = "FLORENTIN_APP"
"""The key of the import path under which workers find the app."""

KEYS = replace(
    ENVIRONMENT,
    where="The config",
    fields={**ENVIRONMENT.fields, APP: "queue_receiver"},
    renamed={
        "FLORENTIN_KEEP": "FLORENTIN_UNFINISHED_RETENTION",
        "FLORENTIN_RETRIES": "FLORENTIN_QUEUE_RETRIES",
        "FLORENTIN_JOB_TIMEOUT": "FLORENTIN_QUEUE_TIMEOUT",
    },
)
"""The keys of an app's config, beside ``FLORENTIN_PATH``."""


def load_flask_config(config: Mapping[str, object], environ: Mapping[str, str]) -> ReceiverConfig:
    """Return the configuration in *config*, and in *environ* for what *config* does not have.

    Raises :class:`ConfigurationError`.
    """
    problems: list[Problem] = []
    own = {key: value for key, value in config.items() if key.startswith(PREFIX) and key != PATH}
    settings = {
        **read_environment(environ, problems),
        **KEYS.assign(prepare_values(own, problems), problems),
    }
    return raise_problems(read_config(KEYS, settings, problems))


def mount_path(config: Mapping[str, object]) -> str | None:
    """Return the path at which to mount the receiver; None mounts nothing."""
    path = config.get(PATH, DEFAULT_PATH)
    if not isinstance(path, str | None):
        raise ConfigurationError(
            describe_value(PATH, path),
            f"Set {PATH} to a path such as {DEFAULT_PATH}, or to None to mount nothing.",
        )
    return path or None
