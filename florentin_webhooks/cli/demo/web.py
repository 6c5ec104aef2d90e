"""The web process of the demonstration: serves the shop at the socket that it was handed."""

from __future__ import annotations

import logging
import os
import socket
import sys
from contextlib import suppress

from florentin_webhooks.cli.devserver.supervisor import end_with_parent
from florentin_webhooks.cli.devserver.web import program_around, serve
from florentin_webhooks.cli.formatting.log_handler import ConsoleHandler
from florentin_webhooks.cli.output import Output


def main(descriptor: int, out: Output) -> None:
    """Serve until the demonstration ends."""
    logging.basicConfig(level=logging.INFO, handlers=[ConsoleHandler(out)])
    end_with_parent(wanted=True)
    from florentin_webhooks.cli.demo.app import hooks  # noqa: PLC0415 - after logging.

    with suppress(KeyboardInterrupt), socket.socket(fileno=os.dup(descriptor)) as listener:
        os.close(descriptor)
        serve(program_around(hooks), listener)


if __name__ == "__main__":
    main(int(sys.argv[1]), Output(json=sys.argv[2] == "json", color="never"))
