"""Serve one of the programs under uvicorn: ``python -m benchmarks.frameworks MODULE:NAME FD``.

Uvicorn's own ``--fd`` treats the socket as a local one and does not set TCP_NODELAY, so every
response with a body waits 40 ms for the sender's acknowledgement.
"""

from __future__ import annotations

import socket
import sys

import uvicorn


def main() -> None:
    """Serve until terminated, on a socket that the parent bound."""
    program, descriptor = sys.argv[1:]
    config = uvicorn.Config(
        program, http="httptools", loop="uvloop", log_level="warning", access_log=False
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main()
