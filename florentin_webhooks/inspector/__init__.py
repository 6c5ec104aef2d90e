"""A page that shows what became of each delivery, and replays it: mountable, off by default."""

from florentin_webhooks.inspector.app import Inspector
from florentin_webhooks.inspector.request import PageRequest

__all__ = ["Inspector", "PageRequest"]
