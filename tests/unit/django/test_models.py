"""The models and their migrations."""

from __future__ import annotations

from django.core.management import call_command

from tests.support.django_settings import configure


def test_migrations_match_the_models() -> None:
    configure()
    call_command("makemigrations", "florentin_webhooks", check=True, dry_run=True, verbosity=0)
