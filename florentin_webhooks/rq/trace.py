"""The trace that a job carries from its request and its first attempt, in RQ's ``meta``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rq.job import Job

__all__ = ["keep_trace", "read_trace", "trace_of"]


def read_trace(meta: bytes) -> str:
    """Return the JSON object in the field of a job's hash, an empty text for anything else."""
    try:
        found = json.loads(meta) if meta else None
    except ValueError:
        return ""
    return meta.decode() if isinstance(found, dict) else ""


def trace_of(job: Job) -> str:
    """Return the JSON object that *job* carries, or an empty text."""
    meta: dict[str, Any] = job.meta  # Any: JSON, or bytes of a field that is not JSON.
    carried = {name: value for name, value in meta.items() if isinstance(value, str)}
    return json.dumps(carried) if carried else ""


def keep_trace(job: Job, trace: str) -> None:
    """Store *trace* in *job* for its next attempt; RQ saves it when it schedules that."""
    if trace:
        job.meta = cast("dict[str, Any]", json.loads(trace))
