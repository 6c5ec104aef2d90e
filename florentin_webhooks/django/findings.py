"""What Django's system checks find about receivers, for the doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.apps import apps
from django.core import checks

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Finding", "find_problems"]

_TAG = "florentin_webhooks"
"""The label of django/checks.py, which cannot be imported where the app is not installed."""


class Finding(NamedTuple):
    """A message of a system check under its *number*, such as ``E008``."""

    number: str
    is_error: bool
    message: str
    hint: str


def find_problems() -> Sequence[Finding]:
    """Return what the checks of this package find; nothing where its app is not installed."""
    if not apps.ready or not apps.is_installed("florentin_webhooks.django"):
        return ()
    found = checks.run_checks(tags=[_TAG], include_deployment_checks=True)
    return [
        Finding(
            str(each.id).rpartition(".")[2],
            each.level >= checks.ERROR,
            str(each.msg),
            str(each.hint or ""),
        )
        for each in found
    ]
