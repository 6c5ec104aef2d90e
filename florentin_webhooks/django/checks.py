"""System checks of what would fail in production, each with a hint.

``manage.py check --tag florentin_webhooks`` runs these alone; docs/django.md lists them.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from florentin_webhooks.core.stores.base import CheckedStore
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.django import conf
from florentin_webhooks.django.mounts import MountedView, find_mounts, is_served, receivers
from florentin_webhooks.django.settings import check_number
from florentin_webhooks.django.store.store import DjangoStore
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.florentin.events import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from florentin_webhooks.core.receiver import Receiver

__all__ = ["register_all"]

LABEL = "florentin_webhooks"

# By name, since a program without django.contrib.auth cannot import the second.
_CSRF = "django.middleware.csrf.CsrfViewMiddleware"
_LOGIN = "django.contrib.auth.middleware.LoginRequiredMiddleware"

_MOVE = "Move it to florentin_handlers.py of an installed app."


def register_all() -> None:
    """Register every check."""
    for plain in (_settings, _receivers, _mounts):
        checks.register(plain, LABEL)
    for deploying in (_unhandled, _body_limits, _servers):
        checks.register(deploying, LABEL, deploy=True)
    checks.register(_tables, checks.Tags.database)


_Messages = list[checks.CheckMessage]


def _settings(**_: object) -> _Messages:
    wanted = conf.is_configured() or any(place.view.is_of_settings for place in find_mounts())
    found = conf.problems() if wanted else ()
    return [_error(check_number(each.field), each.message, each.hint) for each in found]


def _receivers(**_: object) -> _Messages:
    # The URLs come first: what is registered while they are imported is too late for workers.
    places = find_mounts()
    return [
        message
        for receiver in receivers(places)
        for message in (
            *_check_store(receiver),
            *_check_importable(receiver),
            *_check_handlers(receiver),
        )
    ]


def _mounts(**_: object) -> _Messages:
    places = find_mounts()
    return [
        *_check_url(places),
        *(
            message
            for place in places
            for message in (*_check_forms(place), *_check_exemptions(place))
        ),
    ]


def _check_store(receiver: Receiver[object]) -> Iterator[checks.CheckMessage]:
    if isinstance(receiver.store, MemoryStore) and not settings.DEBUG:
        yield checks.Warning(
            "Deliveries are remembered in one process only: after a restart, a replay runs again.",
            hint='Set STORE to "database" or to a redis:// URL.',
            id=f"{LABEL}.W001",
        )


def _check_importable(receiver: Receiver[object]) -> Iterator[checks.CheckMessage]:
    if receiver.queue is None:
        return
    try:
        receiver.path  # noqa: B018 - finding it is the check.
    except ConfigurationError as error:
        yield _error("E007", error.message, error.hint or _MOVE)
    for name in getattr(receiver, "late_handlers", ()):
        message = f"Workers do not know {name}: it is registered after Django's set-up."
        yield _error("E007", message, _MOVE)


def _check_handlers(receiver: Receiver[object]) -> Iterator[checks.CheckMessage]:
    if set(receiver.unhandled_events) >= set(CATALOGUE):
        yield checks.Warning(
            "No handler is registered: every event is answered with 200 and ignored.",
            hint="Write handlers in florentin_handlers.py of an installed app.",
            id=f"{LABEL}.W002",
        )


def _check_url(places: Sequence[MountedView]) -> Iterator[checks.CheckMessage]:
    receiver = conf.receiver_or_none()
    if receiver and not any(place.view.hooks is receiver for place in places):
        yield checks.Warning(
            "No URL leads to the receiver of FLORENTIN_WEBHOOKS.",
            hint='Add webhook_path("webhooks/florentin") to urlpatterns.',
            id=f"{LABEL}.W003",
        )


def _check_forms(place: MountedView) -> Iterator[checks.CheckMessage]:
    """Warn of a path that is served in one form only: senders do not follow a redirect."""
    for path in place.paths:
        plain = path.rstrip("/")
        for form in (plain, f"{plain}/"):
            if plain and not is_served(form):
                yield checks.Warning(
                    f"{path} is served, but {form} is not: Florentin does not follow redirects.",
                    hint=f'Use webhook_path("{plain[1:]}"), which serves both.',
                    id=f"{LABEL}.W004",
                )


def _check_exemptions(place: MountedView) -> Iterator[checks.CheckMessage]:
    """Report what happens to deliveries in a view around ours that has lost its exemptions."""
    outer: Any = place.outer  # Any: Django marks views by attributes.
    where = " or ".join(place.paths) or "a path with captured parts"
    exempt = "Copy the attributes of webhook_view(…) with functools.wraps, or mount it as it is."
    if _uses(_CSRF) and not getattr(outer, "csrf_exempt", False):
        yield _error("E008", f"Deliveries to {where} are refused without a CSRF token.", exempt)
    demands = _uses(_LOGIN) and getattr(outer, "login_required", True)
    if demands or hasattr(outer, "login_url"):
        yield _error("E009", f"Deliveries to {where} are redirected to the login page.", exempt)
    free = getattr(outer, "_non_atomic_requests", ())
    for alias, options in connections.settings.items():
        if options["ATOMIC_REQUESTS"] and alias not in free:
            message = f"Deliveries to {where} are handled inside a transaction of {alias!r}."
            yield _error("E010", message, exempt)


def _unhandled(**_: object) -> _Messages:
    return [
        checks.Info(
            f"No handler for {', '.join(receiver.unhandled_events)}: these events are ignored.",
            hint="Register a handler for what matters, or silence this check.",
            id=f"{LABEL}.I001",
        )
        for receiver in receivers(find_mounts())
        if receiver.unhandled_events and not set(receiver.unhandled_events) >= set(CATALOGUE)
    ]


def _servers(**_: object) -> _Messages:
    """Report a server that is too old for a store: it must answer before deliveries arrive."""
    messages: _Messages = []
    for receiver in receivers(find_mounts()):
        try:
            if isinstance(receiver.store, CheckedStore):
                receiver.store.check_server()
        except ConfigurationError as error:
            messages.append(_error("E011", error.message, error.hint))
    return messages


def _body_limits(**_: object) -> _Messages:
    if not getattr(settings, "ASGI_APPLICATION", None) or not find_mounts():
        return []
    return [
        checks.Warning(
            "Under ASGI Django receives the whole body, of any length, before a view sees it: "
            "MAX_BODY limits what the view reads, not what Django receives.",
            hint="Limit bodies in a proxy, or put WebhookMiddleware around the application.",
            id=f"{LABEL}.W006",
        )
    ]


def _tables(*, databases: Sequence[str] | None = None, **_: object) -> _Messages:
    stores = [receiver.store for receiver in receivers(find_mounts())]
    used = {store.using for store in stores if isinstance(store, DjangoStore)}
    return [
        message for alias in sorted(used & {*(databases or ())}) for message in _check_tables(alias)
    ]


def _check_tables(alias: str) -> Iterator[checks.CheckMessage]:
    executor = MigrationExecutor(connections[alias])
    models = apps.get_app_config(LABEL).get_models()
    hint = f"Run: manage.py migrate {LABEL} --database {alias}."
    if not all(router.allow_migrate_model(alias, model) for model in models):
        hint = (
            "DATABASE_ROUTERS keep them out. Allow them there, or set DATABASE to where they are."
        )
    elif _is_migrating() or not executor.migration_plan(executor.loader.graph.leaf_nodes(LABEL)):
        return
    message = f"The tables of {LABEL} in {alias!r} are missing or not up to date."
    yield checks.Warning(message, hint=hint, id=f"{LABEL}.W005")


def _is_migrating() -> bool:
    """Return whether this is ``manage.py migrate``, which runs the checks before its work."""
    return sys.argv[1:2] == ["migrate"]


def _uses(middleware: str) -> bool:
    """Return whether *middleware* is used, or a subclass of it."""
    bases = [base for each in _middlewares() for base in each.__mro__]
    return any(f"{base.__module__}.{base.__qualname__}" == middleware for base in bases)


def _middlewares() -> Iterator[type]:
    for path in settings.MIDDLEWARE:
        with suppress(ImportError):  # The server reports it when it starts.
            found: object = import_string(path)
            if isinstance(found, type):
                yield found


def _error(number: str, message: str, hint: str) -> checks.CheckMessage:
    return checks.Error(message, hint=hint, id=f"{LABEL}.{number}")
