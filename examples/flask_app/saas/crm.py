"""The customer relations service that the sales people look at: a stand-in for any of yours."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

from flask import current_app

_SECONDS = 5


def note(customer: str | None, text: str, *, key: str) -> None:
    """Add a note to a customer; does nothing where no CRM is configured.

    *key* is the same in every attempt, so that the CRM can tell a repetition from news. Raises
    OSError where the CRM does not answer, or answers with an error.
    """
    url = current_app.config["CRM_URL"]
    if not url:
        return
    body = json.dumps({"customer": customer, "note": text}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    request = Request(url, body, headers)  # noqa: S310 - the operator's own setting.
    with urlopen(request, timeout=_SECONDS):  # noqa: S310 - the same.
        pass
