"""The clock of receivers and of the test kit."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

__all__ = ["utc_now"]

utc_now = partial(datetime.now, UTC)
"""Return the time of this machine, in UTC."""
