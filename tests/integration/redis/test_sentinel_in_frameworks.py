"""A URL of Sentinel in the settings of Flask and Django programs, through a fail-over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.test import Client

from florentin_webhooks.django import conf, webhook_path
from florentin_webhooks.events import Event
from florentin_webhooks.flask import FlorentinWebhooks
from florentin_webhooks.testing import Provider
from tests.support.django_settings import described
from tests.support.flask_apps import flask, held, post
from tests.support.sentinel import RECOMMENDED, watched_pair
from tests.support.vectors import SECRET
from tests.support.waiting import eventually

Served = tuple[Any, Callable[[], int]]
"""A receiver, and what sends it a delivery and returns the status."""


@contextmanager
def in_flask(url: str) -> Iterator[Served]:
    app = flask()
    app.config["FLORENTIN_REDIS_URL"] = url
    FlorentinWebhooks(app)
    yield held(app), lambda: post(app).status


@contextmanager
def in_django(url: str) -> Iterator[Served]:
    with described({"SECRETS": SECRET, "STORE": url}, ROOT_URLCONF=(webhook_path("hook"),)):
        yield conf.receiver(), post_to_django


def post_to_django() -> int:
    headers, body = Provider(SECRET).make("invoice.created")
    answer = Client().post("/hook", body, content_type="application/json", headers={**headers})
    return int(answer.status_code)


@pytest.mark.long
@pytest.mark.parametrize("serve", [in_flask, in_django])
def test_framework_follows_sentinel_to_the_new_primary(serve: Callable[[str], Any]) -> None:
    with TemporaryDirectory(prefix="fw-") as path, watched_pair(Path(path), RECOMMENDED) as watched:
        with serve(watched.url) as (hooks, send):
            hooks.on(Event, inline=True)(repr)
            assert send() == 200
            watched.fail_over()
            eventually(watched.is_ready, seconds=60)
            eventually(lambda: send() == 200, seconds=60)
            assert watched.primary.client.zcard("fl:log") >= 2
        hooks.store.close()
