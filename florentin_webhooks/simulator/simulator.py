"""A simulated provider domain: its state, its API and its webhooks in one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.simulator.api.app import build_api
from florentin_webhooks.simulator.api.endpoint import Endpoint
from florentin_webhooks.simulator.database import Database
from florentin_webhooks.simulator.documents import Documents
from florentin_webhooks.simulator.plans import PLANS, PRODUCTS
from florentin_webhooks.simulator.tokens import Scope, Tokens

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path
    from typing import Self

    from starlette.types import ASGIApp

    from florentin_webhooks.simulator.documents import JSON

__all__ = ["Simulator"]


class Simulator:
    """A provider domain on this machine.

    *database* is the file of its state, None for memory. *clock* returns an aware datetime.

    Raises :class:`ConfigurationError` for a file that cannot be used.
    """

    def __init__(
        self, database: Path | None = None, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = Database(database)
        self._seed()
        self.app: ASGIApp = build_api(
            Endpoint(self._database, self._publish, clock), PlainTextResponse("", 404)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add_token(
        self, text: str | None = None, scopes: Iterable[Scope | str] = tuple(Scope)
    ) -> str:
        """Add a bearer token and return it; a text of the form ``42|secret``, or a random one.

        Raises :class:`ConfigurationError` for a text of another form.
        """
        chosen = [Scope(each) for each in scopes]
        with self._database.transaction() as connection:
            if text is None:
                return Tokens(connection).issue("simulate", chosen)[1]
            Tokens(connection).put(text, "simulate", chosen)
            return text

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _publish(self, connection: sqlite3.Connection, event: str, data: JSON) -> None:
        """Record an event that the domain fires."""

    def _seed(self) -> None:
        with self._database.transaction() as connection:
            documents = Documents(connection)
            if documents.find("product", str(PRODUCTS[0]["id"])) is None:
                for product in PRODUCTS:
                    documents.add("product", product)
                for plan in PLANS.values():
                    documents.add("plan", plan)
