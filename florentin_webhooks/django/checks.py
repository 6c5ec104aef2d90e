"""Say before production what would fail there: Django's system checks, each with a hint.

``manage.py check --tag florentin_webhooks`` runs these alone; docs/django.md lists them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string

from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.django import conf
from florentin_webhooks.django.mounts import MountedView, find_mounts, is_served, receivers
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


def register_all() -> None:
    """Register every check."""
    for plain in (_settings, _receivers, _mounts):
        checks.register(plain, LABEL)
    for deploying in (_unhandled, _spooling):
        checks.register(deploying, LABEL, deploy=True)
    checks.register(_tables, checks.Tags.database)


_Messages = list[checks.CheckMessage]


def _settings(**_: object) -> _Messages:
    wanted = conf.is_configured() or any(place.view.is_of_settings for place in find_mounts())
    found = conf.problems() if wanted else ()
    return [_error(each.number, each.text, each.hint) for each in found]


def _receivers(**_: object) -> _Messages:
    # The URLs come first: what is registered while they are imported is too late for workers.
    places = find_mounts()
    return [
        message
        for receiver in receivers(places)
        for message in (*_forgetful(receiver), *_unimportable(receiver), *_idle(receiver))
    ]


def _mounts(**_: object) -> _Messages:
    places = find_mounts()
    return [
        *_unmounted(places),
        *(message for place in places for message in (*_half(place), *_trapped(place))),
    ]


def _forgetful(receiver: Receiver) -> Iterator[checks.CheckMessage]:
    if isinstance(receiver.store, MemoryStore) and not settings.DEBUG:
        yield checks.Warning(
            "Deliveries are remembered in one process only, until it ends: a replay runs again.",
            hint='Set STORE to "database" or to a redis:// URL.',
            id=f"{LABEL}.W001",
        )


def _unimportable(receiver: Receiver) -> Iterator[checks.CheckMessage]:
    if receiver.queue is None:
        return
    try:
        receiver.path  # noqa: B018 - finding it is the check.
    except ConfigurationError as error:
        fact, _, hint = str(error).partition("; ")
        yield _error("E007", fact, hint)
    for name in getattr(receiver, "late_handlers", ()):
        fact = f"workers do not know {name}: it is registered after Django's set-up"
        yield _error("E007", fact, "move it to florentin_handlers.py of an installed app")


def _idle(receiver: Receiver) -> Iterator[checks.CheckMessage]:
    if set(receiver.unhandled_events) >= set(CATALOGUE):
        yield checks.Warning(
            "No handler is registered: every event is answered with 200 and ignored.",
            hint="Write handlers in florentin_handlers.py of an installed app.",
            id=f"{LABEL}.W002",
        )


def _unmounted(places: Sequence[MountedView]) -> Iterator[checks.CheckMessage]:
    receiver = conf.receiver_or_none()
    if receiver and not any(place.view.hooks is receiver for place in places):
        yield checks.Warning(
            "No URL leads to the receiver of FLORENTIN_WEBHOOKS.",
            hint='Add webhook_path("webhooks/florentin") to urlpatterns.',
            id=f"{LABEL}.W003",
        )


def _half(place: MountedView) -> Iterator[checks.CheckMessage]:
    """Tell of a path of which one form is served: senders follow no redirect to the other."""
    for path in place.paths:
        plain = path.rstrip("/")
        for form in (plain, f"{plain}/"):
            if plain and not is_served(form):
                yield checks.Warning(
                    f"{path} is served and {form} is not: Florentin follows no redirect.",
                    hint=f'Use webhook_path("{plain[1:]}"), which serves both.',
                    id=f"{LABEL}.W004",
                )


def _trapped(place: MountedView) -> Iterator[checks.CheckMessage]:
    """Tell what a view around ours, which has lost its exemptions, makes of deliveries."""
    outer: Any = place.outer  # Any: Django marks views by attributes.
    where = " or ".join(place.paths) or "a path with captured parts"
    exempt = "Copy the attributes of webhook_view(…) with functools.wraps, or mount it as it is."
    if _uses(_CSRF) and not getattr(outer, "csrf_exempt", False):
        yield _error("E008", f"deliveries to {where} are refused for want of a CSRF token", exempt)
    demands = _uses(_LOGIN) and getattr(outer, "login_required", True)
    if demands or hasattr(outer, "login_url"):
        yield _error("E009", f"deliveries to {where} are redirected to the login page", exempt)
    free = getattr(outer, "_non_atomic_requests", ())
    for alias, options in connections.settings.items():
        if options["ATOMIC_REQUESTS"] and alias not in free:
            fact = f"deliveries to {where} are handled inside a transaction of {alias!r}"
            yield _error("E010", fact, exempt)


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


def _spooling(**_: object) -> _Messages:
    if not getattr(settings, "ASGI_APPLICATION", None) or not find_mounts():
        return []
    return [
        checks.Warning(
            "Under ASGI Django takes a body whole, however long and slow, before a view sees it: "
            "MAX_BODY bounds what is read of it, and not what arrives.",
            hint="Bound bodies in front of it, or put WebhookMiddleware around the application.",
            id=f"{LABEL}.W006",
        )
    ]


def _tables(*, databases: Sequence[str] | None = None, **_: object) -> _Messages:
    stores = [receiver.store for receiver in receivers(find_mounts())]
    used = {store.using for store in stores if isinstance(store, DjangoStore)}
    return [message for alias in sorted(used & {*(databases or ())}) for message in _lacks(alias)]


def _lacks(alias: str) -> Iterator[checks.CheckMessage]:
    executor = MigrationExecutor(connections[alias])
    models = apps.get_app_config(LABEL).get_models()
    hint = f"Run: manage.py migrate {LABEL} --database {alias}"
    if not all(router.allow_migrate_model(alias, model) for model in models):
        hint = (
            "DATABASE_ROUTERS keep them out: allow them there, or set DATABASE to where they are."
        )
    elif not executor.migration_plan(executor.loader.graph.leaf_nodes(LABEL)):
        return
    fact = f"The tables of {LABEL} in {alias!r} are not there, or not the newest."
    yield checks.Warning(fact, hint=hint, id=f"{LABEL}.W005")


def _uses(middleware: str) -> bool:
    """Tell whether *middleware* is used, or one that derives from it."""
    bases = [base for each in _middlewares() for base in each.__mro__]
    return any(f"{base.__module__}.{base.__qualname__}" == middleware for base in bases)


def _middlewares() -> Iterator[type]:
    for path in settings.MIDDLEWARE:
        with suppress(ImportError):  # Which the server tells when it starts.
            found: object = import_string(path)
            if isinstance(found, type):
                yield found


def _error(number: str, fact: str, hint: str) -> checks.CheckMessage:
    return checks.Error(_sentence(fact), hint=_sentence(hint), id=f"{LABEL}.{number}")


def _sentence(text: str) -> str:
    first, _, rest = text.partition(" ")
    begun = f"{first[:1].upper()}{first[1:]}" if first.isalpha() else first  # Not a name.
    return f"{begun} {rest}".rstrip(".?") + ("?" if text.endswith("?") else ".")
