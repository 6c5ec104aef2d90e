"""The spool: a local file in which deliveries wait while the store does not answer."""

from florentin_webhooks.spool.spool import Spool

__all__ = ["Spool"]
