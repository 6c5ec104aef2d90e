"""A simulated provider domain as one ASGI application: its API, and its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from florentin_webhooks.inspector.app import PageApp
from florentin_webhooks.simulator.api.app import build_api
from florentin_webhooks.simulator.engine import Engine
from florentin_webhooks.simulator.pages.site import SimulatorSite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp

__all__ = ["Simulator"]


class Simulator(Engine):
    """A provider domain on this machine, whose ``app`` serves it.

    *database* is the file of its state, None for memory. The *options* are those of
    :class:`Engine`. As a context manager it sends deliveries. *is_stopping* returns whether the
    server was asked to stop, so that streams end.

    Raises :class:`ConfigurationError` for a file that cannot be used, for a sender that cannot be
    simulated, and without Jinja2.
    """

    def __init__(
        self,
        database: Path | None = None,
        *,
        is_stopping: Callable[[], bool] = lambda: False,
        **options: Any,  # Any: those of Engine.
    ) -> None:
        super().__init__(database, **options)
        pages = PageApp(SimulatorSite(self), is_stopping)
        self.app: ASGIApp = build_api(self.endpoint, pages)
