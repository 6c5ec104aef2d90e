"""The app in the process of the tests: no server, no Redis, inline handlers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from saas import create_app
from saas.models import db

from florentin_webhooks.testing import Provider, SignedDelivery

SECRET = token_hex(32)


class InProcessApp:
    """The app, with a test client and a simulated Florentin."""

    def __init__(self, directory: Path) -> None:
        self.app = create_app(
            {
                "SQLALCHEMY_DATABASE_URI": f"sqlite:///{directory}/saas.db",
                "FLORENTIN_WEBHOOK_SECRET": SECRET,
                "FLORENTIN_REDIS_URL": None,
                "FLORENTIN_QUEUE": None,
            }
        )
        with self.app.app_context():
            db.create_all()
        self.receiver = self.app.extensions["florentin_webhooks"]
        self.browser = self.app.test_client()
        self.now = datetime.now(UTC)
        self.florentin = Provider(SECRET, clock=lambda: self.now, check_names=False)

    def make(self, event: str, at: datetime | None = None, **data: Any) -> SignedDelivery:
        """Create a delivery, stamped with *at* or the current time."""
        clock = (
            self.florentin if at is None else Provider(SECRET, clock=lambda: at, check_names=False)
        )
        return clock.make(event, **data)

    def send(self, made: SignedDelivery) -> str:
        """Post a delivery as Florentin does, and return the outcome."""
        response = self.browser.post("/webhooks/florentin", data=made.body, headers=made.headers)
        reply = response.get_json()
        outcome: str = reply["data"]["outcome"] if "data" in reply else reply["error"]["code"]
        return outcome

    def deliver(self, event: str, at: datetime | None = None, **data: Any) -> str:
        return self.send(self.make(event, at, **data))

    def page(self, path: str) -> str:
        """Return the visible text of a page."""
        return visible_text(self.browser.get(path).text)


def visible_text(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page.partition("<main>")[2]).split())
