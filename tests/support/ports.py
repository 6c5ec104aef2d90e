"""Ports of TCP for servers that cannot take an open socket, and for nobody."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

_PORTS = range(10_000, 32_768)
"""Below those that a system gives to connections: these are taken and left all the time."""
_CHOICE = random.SystemRandom()  # Not the same one in each process of a run.


def free_ports(count: int) -> list[int]:
    """Return *count* ports of TCP that nothing listens on."""
    found: list[int] = []
    while len(found) < count:
        port = _CHOICE.choice(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found


def free_port() -> int:
    (port,) = free_ports(1)
    return port
