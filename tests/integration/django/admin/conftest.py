"""A program with an admin, and the people who use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from florentin_webhooks.django import conf
from tests.support.django_admin import Shop, logged_in, programmed
from tests.support.django_settings import SQLITE
from tests.support.django_stores import empty


@pytest.fixture
def shop() -> Iterator[Shop]:
    with programmed():
        empty(SQLITE)
        yield Shop(conf.receiver())


@pytest.fixture
def viewer(shop: Shop) -> Client:  # noqa: ARG001 - creates the program.
    return logged_in("view_delivery")


@pytest.fixture
def operator(shop: Shop) -> Client:  # noqa: ARG001 - creates the program.
    return logged_in("view_delivery", "replay_delivery")


@pytest.fixture
def superuser(shop: Shop) -> Client:  # noqa: ARG001 - creates the program.
    return logged_in(superuser=True)
