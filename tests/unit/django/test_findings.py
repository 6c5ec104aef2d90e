"""What Django's checks find reaches the doctor."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.http import HttpRequest
from django.urls import path

from florentin_webhooks import Receiver
from florentin_webhooks.cli.doctor.inside import check_receiver
from florentin_webhooks.django import webhook_path, webhook_view
from florentin_webhooks.django.findings import find_problems
from tests.support.django_settings import described
from tests.support.mounts import MIDDLEWARE
from tests.support.vectors import SECRET

GOOD = {"SECRETS": SECRET}


VIEW: Any = webhook_view()  # Any: Django's stubs want a response that is none of ours.


def bare(request: HttpRequest) -> Any:  # Any: as above.
    """Call our view, and keep nothing of what it is exempt from."""
    return VIEW(request)


def test_lost_exemption_is_an_error_with_its_hint() -> None:
    with described(GOOD, ROOT_URLCONF=(path("hook", bare),), MIDDLEWARE=MIDDLEWARE):
        found = {each.number: each for each in find_problems()}
    assert found["E008"].is_error
    assert "CSRF" in found["E008"].message
    assert not found["W004"].is_error
    assert all(each.hint for each in found.values())


def test_doctor_names_the_number_of_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    hooks = Receiver(SECRET)
    with described(GOOD, ROOT_URLCONF=(path("hook", bare),), MIDDLEWARE=MIDDLEWARE):
        found = {check.name: check for check in check_receiver(hooks, f"{__name__}:hooks")}
    assert found["django-e008"].state == "fail"
    assert found["django-w004"].state == "warn"


def test_other_programs_have_no_findings_of_django(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    assert "django.conf" in sys.modules
    with described(GOOD, ROOT_URLCONF=(webhook_path("hook"),)):
        found = [check.name for check in check_receiver(Receiver(SECRET), "shop:hooks")]
    assert not any(name.startswith("django") for name in found)
