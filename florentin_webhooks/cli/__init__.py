"""The command line, ``florentin-webhooks``: one module for each command.

Results go to standard output, everything else to standard error. ``main`` is the click group.
"""

from florentin_webhooks.cli.app import main

__all__ = ["main"]
