"""Errors of databases: their messages and hints."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.db import connections

from tests.support.django_settings import ABSENT, POSTGRESQL, PROXIED, migrated
from tests.support.django_stores import LOOKS, STEPS, refused, unavailable
from tests.support.postgres import shared_server


def test_missing_server_is_unavailable_without_its_password() -> None:
    migrated(POSTGRESQL, "florentin_webhooks")
    settings = connections.settings[PROXIED]
    connections[PROXIED].close()
    with patch.dict(settings, HOST="127.0.0.1", PORT="1", PASSWORD="hunter2", USER="hunter2"):
        from florentin_webhooks.django import DjangoStore

        for step in (*STEPS, *LOOKS):
            reason = refused(DjangoStore(PROXIED), step)
            assert reason == "The database 'proxied' did not answer: OperationalError."


@pytest.mark.parametrize("alias", [ABSENT, PROXIED])
def test_missing_tables_name_the_migrate_command(alias: str) -> None:
    migrated(POSTGRESQL, "florentin_webhooks")
    connections[PROXIED].close()
    here = {"HOST": str(shared_server().directory), "NAME": "template1", "PORT": ""}
    with patch.dict(connections.settings[PROXIED], here):
        from florentin_webhooks.django import DjangoStore

        store = DjangoStore(alias)
        for step in (*STEPS, *LOOKS):
            error = unavailable(store, step)
            assert error.message.startswith(f"The database {alias!r} lacks tables")
            assert error.hint == (
                f"Run: python manage.py migrate florentin_webhooks --database {alias}"
            )
        store.close()
