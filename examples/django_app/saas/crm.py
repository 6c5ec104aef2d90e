"""The sales team's CRM, somewhere on the network."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen


def notify(url: str, message: dict[str, object], *, idempotency_key: str) -> None:
    """Post *message*; raises OSError unless the reply is 2xx within three seconds."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
    request = Request(url, json.dumps(message).encode(), headers)  # noqa: S310 - from our settings.
    with urlopen(request, timeout=3):  # noqa: S310 - from our settings.
        pass
