"""A local Florentin: a provider domain on this machine, with its REST API and its webhooks.

``florentin-webhooks simulate`` serves it. In tests, :class:`Simulator` is a context manager whose
``app`` is an ASGI application. What the documentation of Florentin leaves open is an assumption of
ours; ``docs/simulator.md`` lists them.
"""

from florentin_webhooks.simulator.simulator import Simulator

__all__ = ["Simulator"]
