"""Lay out what is kept in Redis: key names, lifetimes, and scripts with their words.

::

    d<fingerprint>    a record: s state, a attempts, b body, e event, i delivery id, r received,
                      z finished, k secret's name, n parts that are open, m of them dead; and,
                      with '' or the queue: t:<queue> token, u:<queue> end of the lease,
                      f:<queue> last failure, x:<queue> attempts, q:<queue> handlers;
                      h:<handler> ending, o:<label> once
    i<delivery id>    what was sent under a delivery id
    l<entity>         the newest event of an entity
    log               fingerprints of all whose record is whole, by the time they came
    done              the newest of those that are done; older ones keep their state only
    pending:<queue>   jobs that are not done
    dead              jobs that have failed for good

All keys begin with the store's prefix; fingerprints and digests in them are 16 bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import Job

__all__ = [
    "NO_JOB_ARGS",
    "NO_JOB_KEYS",
    "KeySchema",
    "Script",
    "ScriptCall",
    "Words",
    "job_args",
    "job_keys",
    "script",
]

Words = tuple[bytes | str | int, ...]


class Script(NamedTuple):
    """Hold a script and the digest under which the server remembers it."""

    text: str
    sha: str


class ScriptCall(NamedTuple):
    """Hold one call of a script, and *read*, which turns the server's answer into ours.

    *size* is the length of the body in it. *may_fail*: nothing has happened yet, so that a server
    with too much to do may go without.
    """

    script: Script
    keys: Words
    arguments: Words
    read: Callable[[Any], object]  # Any: what a RESP parser gives.
    size: int = 0
    may_fail: bool = False

    def evalsha(self) -> Words:
        """Give the command that the server can answer when it remembers the script."""
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.arguments)

    def eval(self) -> Words:
        """Give the command that the server can always answer; it remembers the script after."""
        return ("EVAL", self.script.text, len(self.keys), *self.keys, *self.arguments)


@dataclass(frozen=True, slots=True)
class KeySchema:
    """Hold a key prefix and the lifetimes, in milliseconds."""

    prefix: bytes
    retention: int
    lease: int
    keep: int
    history: int

    records: bytes = field(init=False)
    """Prefix of all records."""
    log: bytes = field(init=False)
    """Sorted set of all fingerprints by arrival."""
    done: bytes = field(init=False)
    """Prefix of the records that are done."""
    dead: bytes = field(init=False)
    """Sorted set of dead letters by the time of death."""

    def __post_init__(self) -> None:
        for name, suffix in {
            "records": b"d",
            "log": b"log",
            "done": b"done",
            "dead": b"dead",
        }.items():
            object.__setattr__(self, name, self.prefix + suffix)

    def record(self, key: bytes) -> bytes:
        """Return the key of one delivery's record."""
        return self.prefix + b"d" + key

    def part(self, key: bytes, queue: str) -> tuple[bytes, bytes]:
        """Return the keys of one delivery's record and of the unfinished jobs of *queue*."""
        return self.record(key), self.pending(queue)

    def delivery_id(self, digest: bytes) -> bytes:
        """Return the key that leads from a delivery id to its record."""
        return self.prefix + b"i" + digest

    def entity(self, digest: bytes) -> bytes:
        """Return the key of one entity's high-water mark."""
        return self.prefix + b"l" + digest

    def pending(self, queue: str) -> bytes:
        """Return the key of the unfinished jobs of *queue*."""
        return self.prefix + b"pending:" + queue.encode()


def script(name: str) -> Script:
    """Give the script *name*, with what all scripts share before it."""
    folder = files("florentin_webhooks.redis") / "scripts"
    text = (folder / "shared.lua").read_text() + (folder / f"{name}.lua").read_text()
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def job_keys(layout: KeySchema, jobs: tuple[Job, ...]) -> Words:
    """Give the keys of *jobs*, in the order in which the scripts read them."""
    keys: list[bytes | str | int] = [jobs[0].queues if jobs else ""]
    for job in jobs:
        keys += (job.keys.hash, job.keys.list, job.keys.failed, layout.pending(job.queue))
    return tuple(keys)


def job_args(jobs: tuple[Job, ...]) -> Words:
    """Give the words of *jobs*, in the order in which the scripts read them."""
    words: list[bytes | str | int] = [len(jobs)]
    for job in jobs:
        words += (job.id, job.queue, _names(job.handlers), job.words)
    return tuple(words)


NO_JOB_KEYS: Words = ("",)
NO_JOB_ARGS: Words = (0,)
"""What :func:`job_keys` and :func:`job_args` return without jobs."""


@lru_cache(maxsize=256)
def _names(handlers: tuple[str, ...]) -> str:
    return json.dumps(handlers)
