"""Jobs as keys and arguments of scripts."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from florentin_webhooks.redis.codec.message_pack import pack_texts

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.redis.schema import KeySchema, Words

__all__ = ["NO_JOB_ARGS", "job_args", "job_keys"]

NO_JOB_ARGS: Words = (0,)
"""The result of :func:`job_args` without jobs."""


def job_keys(schema: KeySchema, jobs: tuple[Job, ...]) -> Words:
    """Return the keys of *jobs*, in the order in which the scripts read them."""
    if not jobs:
        return schema.no_job_keys
    tag = schema.tag
    keys: list[bytes | str | int] = [tag + job.keys.hash for job in jobs]
    keys.append(tag + jobs[0].queues)
    for job in jobs:
        keys += (tag + job.keys.list, tag + job.keys.failed, schema.pending(job.queue))
    return tuple(keys)


def job_args(jobs: tuple[Job, ...]) -> Words:
    """Return the arguments of *jobs*, in the order in which the scripts read them."""
    arguments: list[bytes | str | int] = [len(jobs)]
    for job in jobs:
        part = _pack_part(job.queue, job.handlers, job.owner)
        arguments += (job.id, job.queue, job.words, part)
    return tuple(arguments)


@lru_cache(maxsize=256)
def _pack_part(queue: str, handlers: tuple[str, ...], owner: str) -> bytes:
    """Encode what the record has of a job; one without handlers keeps those of its part."""
    fields = {f"q:{queue}": json.dumps(handlers) if handlers else "", "p": owner}
    return pack_texts(word for pair in fields.items() if pair[1] for word in pair)
