"""The command line, ``florentin-webhooks``: each command stands in a module of its own.

Standard output is data and standard error is talk. ``main`` is the click group.
"""

from florentin_webhooks.cli.app import main

__all__ = ["main"]
