"""Django in the process of the tests: its settings, made once, and its databases.

A test that wants other settings takes ``django.test.override_settings``, or a process of its own.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from tests.support.postgres import shared_server

SQLITE = "default"
POSTGRESQL = "postgresql"
ASYNCIO = "asyncio"
"""Another one on PostgreSQL, so that two stores are two, also where a test has all of them."""
PROXIED = "proxied"
"""The same as ``postgresql``, by a way on which a test does harm."""
ABSENT = "absent"
"""On SQLite, without any tables."""


@cache
def configure() -> None:
    """Set Django up without opening a database."""
    settings.configure(
        SECRET_KEY="made up for tests",
        ALLOWED_HOSTS=["*"],
        DATABASES={
            SQLITE: _sqlite(),
            POSTGRESQL: _postgresql("postgres"),
            ASYNCIO: _postgresql("asyncio"),
            PROXIED: _postgresql("postgres"),
            ABSENT: {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        },
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "florentin_webhooks.django",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        ROOT_URLCONF="tests.support.django_settings",
        TEMPLATES=[_TEMPLATES],
        USE_TZ=True,
        FLORENTIN_WEBHOOKS={"SECRETS": "made up for tests, too", "STORE": "memory"},
    )
    django.setup()


urlpatterns: list[Any] = []  # A test that serves pages overrides ROOT_URLCONF.

_TEMPLATES = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {
        "context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]
    },
}


@cache
def migrated(alias: str, *apps: str) -> str:
    """Create the tables of *apps*, or all tables, in *alias* and return it."""
    configure()
    if alias == SQLITE:
        connections.settings[alias]["NAME"] = _file()
        connections[alias].close()  # A check of models may have opened the one in memory.
    else:
        connections.settings[alias]["HOST"] = str(shared_server().directory)
    if alias == ASYNCIO:
        with shared_server().connect() as server:
            server.execute("CREATE DATABASE asyncio")
    for app in apps or ("",):
        call_command("migrate", *filter(None, [app]), database=alias, verbosity=0)
    return alias


@contextmanager
def described(given: object, **settings: Any) -> Iterator[None]:
    """Override FLORENTIN_WEBHOOKS and other *settings*."""
    configure()
    from florentin_webhooks.django import conf

    conf._built.cache_clear()
    with override_settings(FLORENTIN_WEBHOOKS=given, **settings):
        yield
    conf._built.cache_clear()


def _sqlite() -> dict[str, Any]:  # Any: as Django has it.
    # No test is about a machine that loses its power.
    options = {"init_command": "PRAGMA synchronous = OFF"}
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",  # Until a test uses it.
        "OPTIONS": options,
    }


@cache
def _file() -> str:
    """Create a place for the database of this process, of which others may be forks."""
    memory = Path("/dev/shm")
    place = tempfile.mkdtemp(prefix="fw-", dir=memory if memory.is_dir() else None)
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return f"{place}/db.sqlite3"


def _postgresql(database: str) -> dict[str, Any]:  # Any: as Django has it.
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database,
        "USER": "postgres",
        "HOST": "/nowhere",  # Until a test uses it.
    }
