"""Serve a WSGI program as ``flask run`` does; ``python -m`` this, a socket's number, and its name.

It ends when its standard input does.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module

from werkzeug.serving import make_server

__all__: list[str] = []


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    module, _, name = sys.argv[2].partition(":")
    app = getattr(import_module(module), name)
    make_server("127.0.0.1", 0, app, threaded=True, fd=int(sys.argv[1])).serve_forever()
