"""The receiver that ``settings.FLORENTIN_WEBHOOKS`` describes, or all that is wrong there.

Problems are values. An error raised here would show the secrets in the frames of its traceback.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps

from florentin_webhooks.core.config.environment import read_secrets
from florentin_webhooks.core.config.keys import FIELDS, ConfigKeys, Problem, Setting, read_config
from florentin_webhooks.core.config.model import ReceiverConfig
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.core.validation import validate_job_support
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from florentin_webhooks.core.routing.handler import Handler

__all__ = ["KEYS", "PATH", "QUEUE_KEYS", "SETTING", "SettingsReceiver", "build", "check_number"]

SETTING = "FLORENTIN_WEBHOOKS"
PATH = "florentin_webhooks.django:hooks"
"""The import path under which workers and commands find the receiver of the settings."""

KEYS = ConfigKeys(
    fields={name.upper(): name for name in FIELDS},
    where=SETTING,
    secret=f"SECRETS in {SETTING}, or FLORENTIN_WEBHOOK_SECRET in the environment,",
    label=f"{SETTING}['{{}}']",
    renamed={"KEEP": "UNFINISHED_RETENTION"},
)
QUEUE_KEYS = ConfigKeys(
    fields={
        "NAME": "queue",
        **{
            name.removeprefix("queue_").upper(): name
            for name in FIELDS
            if name.startswith("queue_")
        },
    },
    where=f"{SETTING}['QUEUE']",
    secret=KEYS.secret,
    label=f"{SETTING}['QUEUE']['{{}}']",
)
"""The keys of a dict under ``QUEUE``."""

_DEFAULTS = {"store": Setting("STORE", "database"), "queue": Setting("QUEUE", "florentin")}

_NUMBERS = {
    "": "E002",
    "secrets": "E003",
    "store": "E004",
    "database": "E004",
    "receiver": "E006",
}
"""Numbers of the checks of the settings by field; those of queues are E005, others E001."""


class SettingsReceiver(Receiver):
    """The receiver of the settings.

    *late_handlers* names the queued handlers that were registered after Django's set-up, which
    workers do not wait for.
    """

    late_handlers: tuple[str, ...] = ()

    def _check_handler(self, handler: Handler) -> None:
        super()._check_handler(handler)
        if apps.ready and self.queue is not None and not handler.options.inline:
            self.late_handlers += (handler.name,)


def build(given: object) -> SettingsReceiver | tuple[Problem, ...]:
    """Return the receiver that *given* describes, or all that is wrong with it."""
    if not isinstance(given, dict):
        message = f"{SETTING} is of type {type(given).__name__}, not a dict."
        return (Problem("settings", message, f"Write {SETTING} = {{...}}."),)
    problems: list[Problem] = []
    settings = _read_settings(cast("Mapping[Any, object]", given), problems)
    config = read_config(KEYS, settings, problems)
    return _create_receiver(config) if isinstance(config, ReceiverConfig) else tuple(config)


def check_number(field: str) -> str:
    """Return the number of the check that reports a problem with *field* of the settings."""
    if field.startswith("queue"):
        return "E005"
    return _NUMBERS.get(field, "E001")


def _read_settings(given: Mapping[Any, object], problems: list[Problem]) -> dict[str, Setting]:
    queue = given.get("QUEUE")
    if isinstance(queue, dict):
        others = {key: value for key, value in given.items() if key != "QUEUE"}
        settings = {
            "queue": _DEFAULTS["queue"],
            **KEYS.assign(others, problems),
            **QUEUE_KEYS.assign(cast("Mapping[Any, object]", queue), problems),
        }
    else:
        settings = KEYS.assign(given, problems)
    set_here = {name: each for name, each in settings.items() if each.value is not None}
    fallback = {} if "secrets" in set_here else read_secrets(os.environ, problems)
    return {"store": _DEFAULTS["store"], **fallback, **set_here}


def _create_receiver(config: ReceiverConfig) -> SettingsReceiver | tuple[Problem, ...]:
    part = "store"
    try:
        store = config.build_store()
        part = "queue"
        queue = config.with_queue_receiver(config.queue_receiver or PATH).build_queue()
        validate_job_support(store, queue)
        part = "receiver"
        return SettingsReceiver(store=store, queue=queue, **config.receiver_options())
    except ConfigurationError as error:
        return (Problem(part, error.message, error.hint or f"Correct {SETTING}."),)
