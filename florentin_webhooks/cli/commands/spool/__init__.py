"""List and drain the spool, in which deliveries wait while the store does not answer."""

from florentin_webhooks.cli.commands.spool.spool import command

__all__ = ["command"]
