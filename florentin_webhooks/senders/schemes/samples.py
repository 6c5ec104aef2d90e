"""Bodies as senders write them, for tests and tools: the counterpart of reading a payload."""

from __future__ import annotations

import json
from typing import Any, cast

__all__ = ["encode", "place"]


def place(payload: dict[str, Any], path: str, value: object) -> None:  # Any: JSON.
    """Put *value* at a dotted *path* of *payload*; missing objects on the way are created."""
    *outer, last = path.split(".")
    for name in outer:
        payload = cast("dict[str, Any]", payload.setdefault(name, {}))
    payload[last] = value


def encode(payload: object) -> bytes:
    """Return *payload* as JSON."""
    return json.dumps(payload, separators=(",", ":")).encode()
