"""The Flask extension: handlers that belong to no app, and a receiver for each app."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from weakref import WeakSet

from florentin_webhooks.core.loader import EXTENSION
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.core.routing.router import Router
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.flask.blueprint import webhook_blueprint
from florentin_webhooks.flask.config import load_flask_config, mount_path
from florentin_webhooks.flask.discovery import app_import_path, bind_receiver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from florentin_webhooks.core.routing.handler import Handler

__all__ = ["FlorentinWebhooks"]


class FlorentinWebhooks(Router):
    """A router of handlers for Flask apps, which get a receiver each from their config.

    ``florentin = FlorentinWebhooks()`` beside your other extensions, ``@florentin.on(...)`` in any
    module, ``florentin.init_app(app)`` in the factory. Handlers may be registered before or after
    ``init_app``, until the app's first delivery.
    """

    def __init__(self, app: Flask | None = None) -> None:
        super().__init__()
        self._receivers: WeakSet[Receiver[object]] = WeakSet()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Create the receiver of *app* from its ``FLORENTIN_`` config, and mount it.

        The receiver is ``app.extensions["florentin_webhooks"]``. Raises
        :class:`ConfigurationError` for anything that would fail later.
        """
        if EXTENSION in app.extensions:
            raise ConfigurationError(
                f"The app {app.name!r} has a receiver already.", "Call init_app() once, and first."
            )
        hooks = _create_receiver(app)
        path = mount_path(app.config)
        hooks.router.add_handlers(self.handlers)
        bind_receiver(app, hooks)
        if path is not None:
            app.register_blueprint(webhook_blueprint(hooks, path))
        self._receivers.add(hooks)

    def add_handlers(self, handlers: Sequence[Handler]) -> None:
        """Register *handlers* here and with the receiver of each app.

        Not by ``include()``, which would end our own registration.
        """
        for hooks in self._receivers:
            hooks.router.add_handlers(handlers)
        super().add_handlers(handlers)


def _create_receiver(app: Flask) -> Receiver:
    config = load_flask_config(app.config, os.environ)
    if isinstance(config.queue, str) and config.queue_receiver is None:
        return Receiver.from_config(config.with_queue_receiver(app_import_path(app)))
    return Receiver.from_config(config)
