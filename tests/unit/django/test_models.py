"""The models and their migrations."""

from __future__ import annotations

from django.core.management import call_command

from tests.support.django_settings import configure


def test_the_migrations_say_all_that_the_models_say() -> None:
    configure()
    call_command("makemigrations", "florentin_webhooks", check=True, dry_run=True, verbosity=0)
