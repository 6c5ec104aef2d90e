"""The old name of :mod:`florentin_webhooks.testing.transport`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.protocol.deprecation import moved_names

__all__: list[str] = []

if not TYPE_CHECKING:
    __getattr__ = moved_names(__name__, "florentin_webhooks.testing.transport")
