"""Secrets that are looked up for each request: tenants, and rotation without a restart."""

from __future__ import annotations

__all__: list[str] = []
