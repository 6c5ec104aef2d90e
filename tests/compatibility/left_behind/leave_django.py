"""Leave deliveries behind in a new SQLite file, and print them: ``leave_django.py FILE``.

The file itself is printed by ``sqlite3 FILE .dump``, or Python's ``iterdump``.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["LEFT_BEHIND_DATABASE"] = sys.argv[1]
import left_behind_django
from django.core.management import call_command
from scenarios import Sender, send_inline


def main() -> None:
    """Leave everything behind and print it."""
    call_command("migrate", verbosity=0)
    sender = Sender(left_behind_django.hooks, left_behind_django.NOON)
    send_inline(sender)
    made_at = int(time.time() * 1000)
    print(json.dumps({"made_at": made_at, "requests": sender.requests}, indent=1))  # noqa: T201


main()
