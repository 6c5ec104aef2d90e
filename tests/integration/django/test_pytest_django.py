"""Tests of a project on PostgreSQL, by pytest-django, as docs/django.md advises."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.floors import ROOT, install, run
from tests.support.postgres import shared_server

SETTINGS = """
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "USER": "postgres",
             "HOST": %r, "NAME": "postgres", "TEST": {"NAME": "of_pytest_django"}}}
INSTALLED_APPS = ["florentin_webhooks.django"]
ROOT_URLCONF, SECRET_KEY, USE_TZ = "shop", "a key", True
"""
SHOP = """
from florentin_webhooks import Receiver
from florentin_webhooks.django import DjangoStore, webhook_path
from florentin_webhooks.django.models import Delivery

SECRET = "a secret of the test run"
hooks = Receiver(SECRET, store=DjangoStore())
urlpatterns = [webhook_path("webhooks/florentin", hooks)]

@hooks.on("invoice.created")
async def bill(_):
    assert await Delivery.objects.acount()

@hooks.on("user.login")
def greet(_):
    assert Delivery.objects.count()
"""
TESTS = """
import pytest
from asgiref.sync import async_to_sync
from florentin_webhooks.testing import Provider
from shop import SECRET

def post(send, event):
    made = Provider(SECRET).make(event)
    return send("/webhooks/florentin", made.body, "application/json", headers=made.headers)

@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("event", ["invoice.created", "user.login"])
def test_delivery_is_processed(event, client, async_client):
    for send in (client.post, async_to_sync(async_client.post)):
        assert post(send, event).status_code == 200
"""


@pytest.mark.long
def test_pytest_django_drops_its_database_on_postgresql(tmp_path: Path) -> None:
    server, packages, project = shared_server(), tmp_path / "packages", tmp_path / "project"
    install(sys.executable, "--no-deps", "--target", packages, "pytest-django")
    project.mkdir()
    (project / "settings.py").write_text(SETTINGS % str(server.directory))
    (project / "shop.py").write_text(SHOP)
    (project / "test_shop.py").write_text(TESTS)
    words = ["-m", "pytest", "-W", "error", "-p", "pytest_django", "--ds=settings", "-q"]
    path = os.pathsep.join(map(str, (packages, project, ROOT)))
    done = run(sys.executable, *words, f"--rootdir={project}", str(project), PYTHONPATH=path)
    assert "2 passed" in done
    with server.connect() as connection:
        found = connection.execute("SELECT datname FROM pg_database").fetchall()
    assert ("of_pytest_django",) not in found
