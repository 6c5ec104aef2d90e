"""Handlers run by RQ workers: the queue, and the function that every job names."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["PROCESS", "JobFailed", "RQQueue", "process"]

if TYPE_CHECKING:
    from florentin_webhooks.rq.job import JobFailed, process
    from florentin_webhooks.rq.queue import PROCESS, RQQueue
else:
    # The queue does not load the receiver; the job does, in a worker.
    _HOMES = {"PROCESS": "queue", "RQQueue": "queue", "JobFailed": "job", "process": "job"}

    def __getattr__(name):
        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

    def __dir__():
        return sorted({*globals(), *__all__})
