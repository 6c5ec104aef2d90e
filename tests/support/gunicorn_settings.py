"""How gunicorn runs in tests: with room for many headers, and no longer than its parent."""

from __future__ import annotations

import os
import signal
import sys
import threading

workers = 1
worker_tmp_dir = None
limit_request_fields = 1_000
accesslog = "-"
control_socket_disable = True


def on_starting(_: object) -> None:
    """End when standard input does: where the parent was killed, nobody else would end this."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
