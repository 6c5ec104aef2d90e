"""The client of a CRM, as an example of any external service."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

from flask import current_app

_SECONDS = 5


def note(customer: str | None, text: str, *, key: str) -> None:
    """Add a note to a customer; do nothing if no CRM is configured.

    *key* is the same in every attempt, so that the CRM can recognise a repeated request. Raises
    OSError if the CRM does not respond, or responds with an error.
    """
    url = current_app.config["CRM_URL"]
    if not url:
        return
    body = json.dumps({"customer": customer, "note": text}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    request = Request(url, body, headers)  # noqa: S310 - configured by the operator.
    with urlopen(request, timeout=_SECONDS):  # noqa: S310 - the same.
        pass
