"""URL patterns: both forms of a path, and no other."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from florentin_webhooks.django import webhook_path
from tests.support.django_settings import configure, described
from tests.support.mounts import WSGI, through_wsgi
from tests.support.receivers import Target
from tests.support.vectors import delivery


@pytest.fixture(autouse=True)
def _django() -> None:
    configure()


@pytest.mark.parametrize("route", ["webhooks/florentin", "/webhooks/florentin/", "a+b.c-d"])
def test_path_is_served_with_and_without_trailing_slash(route: str) -> None:
    for form in (f"/{route.strip('/')}", f"/{route.strip('/')}/"):
        with described({}, ROOT_URLCONF=(webhook_path(route, Target().receiver),)):
            assert reverse("florentin-webhooks") == f"/{route.strip('/')}"
        assert answered(route, form) == "processed"


@pytest.mark.parametrize("spelt", ["/webhooks", "/webhooks/florentin//", "/webhooks/florentin\n"])
def test_other_spellings_are_not_served(spelt: str) -> None:
    assert answered("webhooks/florentin", spelt) == ""


def answered(route: str, spelt: str) -> str:
    return through_wsgi(WSGI["django"](Target().receiver, route), delivery(), spelt).outcome


@pytest.mark.parametrize("route", ["", "/"])
def test_empty_route_is_refused(route: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="empty without its slashes"):
        webhook_path(route, Target().receiver)
