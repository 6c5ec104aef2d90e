"""The program in the process of the tests: no server, no Redis, handlers inline."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from saas import create_app
from saas.models import db

from florentin_webhooks.testing import Made, Provider

SECRET = token_hex(32)


class Inside:
    """Be the program, a browser in front of it, and Florentin, who sends it deliveries."""

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
        self.florentin = Provider(SECRET, clock=lambda: self.now)

    def make(self, event: str, at: datetime | None = None, **data: Any) -> Made:
        """Make a delivery of something that happened *at* some time."""
        clock = self.florentin if at is None else Provider(SECRET, clock=lambda: at)
        return clock.make(event, **data)

    def send(self, made: Made) -> str:
        """Post a delivery as Florentin does; give the outcome."""
        answer = self.browser.post("/webhooks/florentin", data=made.body, headers=made.headers)
        told = answer.get_json()
        outcome: str = told["data"]["outcome"] if "data" in told else told["error"]["code"]
        return outcome

    def deliver(self, event: str, at: datetime | None = None, **data: Any) -> str:
        return self.send(self.make(event, at, **data))

    def page(self, path: str) -> str:
        """Give what a reader sees of a page."""
        return words(self.browser.get(path).text)


def words(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page.partition("<main>")[2]).split())
