"""Be a Flask extension: handlers that belong to no app, and a receiver for each app."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakSet

from florentin_webhooks.core.loader import EXTENSION
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.core.routing.router import Router
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask.binding import app_import_path, bind_receiver
from florentin_webhooks.flask.blueprint import webhook_blueprint
from florentin_webhooks.flask.config import Settings, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store

__all__ = ["FlorentinWebhooks"]


class FlorentinWebhooks(Router):
    """Collect handlers for Flask apps, and give each app a receiver that its config describes.

    ``florentin = FlorentinWebhooks()`` beside your other extensions, ``@florentin.on(...)`` in any
    module, ``florentin.init_app(app)`` in the factory. Handlers may be registered before or after
    ``init_app``, until the app's first delivery.
    """

    def __init__(self, app: Flask | None = None) -> None:
        super().__init__()
        self._receivers: WeakSet[Receiver] = WeakSet()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Build the receiver of *app* from its ``FLORENTIN_`` config, and mount it.

        The receiver is ``app.extensions["florentin_webhooks"]``. Raises
        :class:`ConfigurationError` for whatever would fail later.
        """
        if EXTENSION in app.extensions:
            message = (
                f"the app {app.name!r} has a receiver already; call init_app() once, and first"
            )
            raise ConfigurationError(message)
        settings = read(app.config, os.environ)
        hooks = _build(app, settings)
        hooks.router.add_handlers(self.handlers)
        bind_receiver(app, hooks)
        if settings.path is not None:
            app.register_blueprint(webhook_blueprint(hooks, settings.path))
        self._receivers.add(hooks)

    def add_handlers(self, handlers: Sequence[Handler]) -> None:
        """Register *handlers* here and with the receiver of each app.

        Not by ``include()``, which would end our own registration.
        """
        for hooks in self._receivers:
            hooks.router.add_handlers(handlers)
        super().add_handlers(handlers)


def _build(app: Flask, settings: Settings) -> Receiver:
    return Receiver(
        settings.secrets,
        store=_store(settings),
        queue=_queue(app, settings),
        **settings.for_receiver,
    )


def _store(settings: Settings) -> Store | None:
    if settings.redis_url is None:
        return None
    from florentin_webhooks.redis.store import RedisStore  # noqa: PLC0415 - where it is wanted.

    return RedisStore(settings.redis_url, **settings.for_store)


def _queue(app: Flask, settings: Settings) -> Queue | None:
    if settings.queue is None:
        return None
    if settings.redis_url is None:
        message = "FLORENTIN_QUEUE is set, and FLORENTIN_REDIS_URL is not; a queue needs a Redis"
        raise ConfigurationError(message)
    from florentin_webhooks.rq.queue import RQQueue  # noqa: PLC0415 - where it is wanted.

    return RQQueue(settings.queue, receiver=app_import_path(app), **settings.for_queue)
