"""The checks of a receiver from inside: its secrets, handlers, store, queues and program."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.cli.doctor.check import fail, skipped, warn
from florentin_webhooks.cli.doctor.handlers import (
    check_handlers,
    check_import_path,
    check_names,
    check_sharing,
    check_size,
)
from florentin_webhooks.cli.doctor.program import ProgramFacts, check_program, find_sentry
from florentin_webhooks.cli.doctor.secrets import SecretFacts, check_secrets
from florentin_webhooks.cli.doctor.spool import check_spool
from florentin_webhooks.cli.doctor.stores import check_store
from florentin_webhooks.cli.errors import CLIError
from florentin_webhooks.cli.loader import load, validate_path
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.base import Signing
from florentin_webhooks.senders.secrets import Secrets, normalize_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.cli.doctor.check import Check
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["check_receiver", "load_checked"]

_DJANGO = "florentin_webhooks.django.findings"


def load_checked(app: str) -> Receiver[object] | Check:
    """Return the receiver *app*, or why it cannot be imported.

    Raises UsageError where *app* is not an import path.
    """
    validate_path(app)
    try:
        return load(app)
    except CLIError as error:
        cause = error.__context__
        hint = cause.hint if isinstance(cause, ConfigurationError) else error.hint
        name = "configuration" if type(cause) is ConfigurationError else "import"
        return fail(name, error.message, hint or error.hint)


def check_receiver(hooks: Receiver[object], app: str) -> Iterator[Check]:
    """Yield every check of the receiver *app* that needs no URL."""
    yield from _secrets(hooks, app)
    yield from check_handlers(hooks)
    yield from check_names(hooks)
    yield from check_size(hooks)
    yield from check_sharing(hooks)
    yield from check_store(hooks, app)
    yield from check_spool(hooks, app)
    yield from check_import_path(hooks)
    yield from check_program(_program_facts(hooks))
    yield from _django()


def _secrets(hooks: Receiver[object], app: str) -> list[Check]:
    if not hooks.secrets:
        return [skipped("secrets", "A function looks the secrets up for each request.")]
    module = app.partition(":")[0]
    environment = {name: os.fsencode(value) for name, value in os.environ.items()}
    secrets = dict(normalize_secrets(hooks.secrets))
    is_public = not _can_sign(hooks)
    return check_secrets(SecretFacts(secrets, _source(module), environment, module, is_public))


def _can_sign(hooks: Receiver[object]) -> bool:
    scheme = hooks.sender.scheme(cast("Secrets", hooks.secrets))
    try:
        if isinstance(scheme, Signing):
            scheme.sign(b"{}", event="", delivery_id="", timestamp=datetime.now(UTC), url="/")
    except TypeError:  # By the protocol of keys, one that is public.
        return False
    return isinstance(scheme, Signing)


def _source(module: str) -> bytes:
    path = getattr(sys.modules.get(module), "__file__", None)
    try:
        return Path(path).read_bytes() if path else b""
    except OSError:
        return b""


def _program_facts(hooks: Receiver[object]) -> ProgramFacts:
    full = hooks.reporter.log.error_text
    return ProgramFacts(frozenset(sys.modules), find_sentry(), os.environ, full)


def _django() -> Iterator[Check]:
    if "django.conf" not in sys.modules or not os.environ.get("DJANGO_SETTINGS_MODULE"):
        return
    room: Any = import_module(_DJANGO)  # Any: a room above this one.
    for found in room.find_problems():
        make = fail if found.is_error else warn
        yield make(f"django-{found.number.lower()}", found.message, found.hint)
