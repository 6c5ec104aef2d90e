"""What RQ logs about a job whose record is gone: success, right after our error.

The job has ended as RQ sees it, since no retry can help. Its lines are dropped.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar

__all__ = ["mark_lost"]

_lost_job: ContextVar[str] = ContextVar("lost_job", default="")


def mark_lost(job_id: str, *, lost: bool) -> None:
    """Drop what RQ logs next in this context about the job *job_id*, if it is *lost*."""
    logging.getLogger("rq.worker").addFilter(_is_true)
    _lost_job.set(job_id if lost else "")


def _is_true(record: logging.LogRecord) -> bool:
    """Return whether *record* is anything but the success of a lost job."""
    job_id, arguments = _lost_job.get(), record.args
    is_of_lost_job = isinstance(arguments, tuple) and bool(job_id) and job_id in arguments
    return record.levelno != logging.INFO or not is_of_lost_job
