"""Send every delivery that was left behind once more, and print what runs.

``receive_django.py FILE``: *FILE* is a database that is restored from ``django.sql`` for each.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

os.environ["LEFT_BEHIND_DATABASE"] = sys.argv[1]
import left_behind_django
from django.core.management import call_command
from django.db import connection
from left_behind_shop import RAN

HERE = Path(__file__).parent
LEFT = json.loads((HERE / "django.json").read_text())


def restore() -> None:
    """Restore the database, as old as it was when it was left."""
    connection.close()
    Path(sys.argv[1]).unlink(missing_ok=True)
    shift = int(time.time() * 1000) - LEFT["made_at"]
    with closing(sqlite3.connect(sys.argv[1])) as database:
        database.executescript((HERE / "django.sql").read_text())
        database.execute("UPDATE florentin_webhooks_delivery SET expires = expires + ?", [shift])
        database.execute("UPDATE florentin_webhooks_guard SET expires = expires + ?", [shift])
        database.commit()
    call_command("migrate", verbosity=0)


def receive(request: dict[str, Any]) -> list[object]:
    """The outcome of a delivery, and the steps that have run."""
    RAN.clear()
    hooks = left_behind_django.hooks
    reply = hooks.receive(request["headers"], request["body"].encode())
    return [reply.outcome.value, [step for step, _ in RAN]]


def main() -> None:
    """Send each delivery twice."""
    results = {}
    for name, request in LEFT["requests"].items():
        restore()
        results[name] = [receive(request), receive(request)]
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    print(json.dumps(results))  # noqa: T201 - the output.


main()
