"""Key names, lifetimes and scripts: what is kept in Redis, and how.

::

    d<fingerprint>    a record: s state, a attempts (none: one), b body, d what is known of its
                      arrival (before 0.2: e event, i delivery id, r received, k secret's name,
                      g key id), z finished, p owner of the jobs, n open parts, m dead parts (none:
                      zero);
                      for each queue, '' for inline handlers: t:<queue> token,
                      u:<queue> end of the lease, f:<queue> last failure, x:<queue> attempts,
                      w:<queue> time of the next attempt, q:<queue> handlers;
                      and h:<handler> outcome, after a colon its note, o:<label> guard
                      of a retry with a new timestamp, or signed with another secret: only o, the
                      first fingerprint
    i<delivery id>    the contents sent under a delivery id
    l<entity>         the newest event of an entity
    log               fingerprints with a complete record, by arrival
    done              the newest finished fingerprints; older records keep their state only
    pending:<queue>   jobs that are not done
    claimed:<queue>   jobs of batches that have not begun, by the time of their return
    lost:<queue>      jobs whose records are gone, by the time of discovery
    dead              jobs that have failed for good
    trail             what processes have seen, for the inspector
    state:<state>     fingerprints by arrival, for the states that few records have
    indexed           until which arrival these are complete (u), when they began (b), and what
                      came late, by arrival

All keys begin with the store's prefix. Fingerprints and digests in them are 16 raw bytes, not hex:
a worker or a web process of the previous version finds a record under no other key. During a
rolling upgrade it would drop the job of a record that it does not find, and run a retry again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from importlib.resources import files
from typing import Any, NamedTuple

__all__ = [
    "INDEXES",
    "RQ_PREFIX",
    "KeySchema",
    "Script",
    "ScriptCall",
    "Words",
    "ignore_answer",
    "join_scripts",
    "load_script",
]

Words = tuple[bytes | str | int, ...]

RQ_PREFIX = f"{os.environ.get('RQ_KEY_PREFIX', 'rq')}:"
"""What RQ's keys begin with: RQ reads the same variable, also once."""

_FIXED_KEYS = {
    "records": b"d",
    "log": b"log",
    "done": b"done",
    "dead": b"dead",
    "trail": b"trail",
    "indexed": b"indexed",
}
INDEXES = ("failed", "stale", "invalid", "dead", "scheduled")
"""The states that few records have. Those that run inline count as failed: they may end so."""
_LONGEST_STEP = 64
"""How many finished records at most are trimmed together: one call for as many deliveries."""


class Script(NamedTuple):
    """A Lua script and the digest under which the server caches it."""

    text: str
    sha: str


class ScriptCall(NamedTuple):
    """One call of a script, and *read*, which decodes the answer.
    *size* is the length of the body in it. *may_fail*: no handler has run yet, so an overloaded
    server may do without it. *replicas* is how many of them must have it before it is a promise;
    without them, what *undo* returns for the decoded answer gives its lease back. *is_record*: it
    says what handlers have done.
    """

    script: Script
    keys: Words
    arguments: Words
    read: Callable[[Any], object]  # Any: what a RESP parser returns.
    size: int = 0
    may_fail: bool = False
    replicas: int = 0
    undo: Callable[[Any], ScriptCall | None] | None = None  # Any: what *read* returns.
    is_record: bool = False

    def evalsha(self) -> Words:
        """Return the command for a server that has cached the script."""
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.arguments)

    def eval(self) -> Words:
        """Return the command for any server, which then caches the script."""
        return ("EVAL", self.script.text, len(self.keys), *self.keys, *self.arguments)


@dataclass(frozen=True, slots=True)
class KeySchema:
    """A key prefix and the lifetimes, in milliseconds.

    *tag* begins the keys of the queueing library, in the lanes of a cluster. *replicas* is how many
    of them must have a delivery before it counts as accepted.
    """

    prefix: bytes
    retention: int
    lease: int
    unfinished_retention: int
    history: int
    tag: str = ""
    replicas: int = 0

    records: bytes = field(init=False)
    """Prefix of the keys of all records."""
    log: bytes = field(init=False)
    """Key of the sorted set of all fingerprints by arrival."""
    done: bytes = field(init=False)
    """Key of the list of finished fingerprints."""
    dead: bytes = field(init=False)
    """Key of the sorted set of dead letters by the time of death."""
    no_job_keys: Words = field(init=False)
    """The result of :func:`job_keys` without jobs: the key of :attr:`indexed`."""
    indexed: bytes = field(init=False)
    """Key of the sorted set that says how far the indexes of states have come."""
    trail: bytes = field(init=False)
    """Key of the stream of what processes have seen."""
    accept: Script = field(init=False)
    finish: Script = field(init=False)
    finish_inline: Script = field(init=False)
    """The finish of most deliveries, whose inline handlers have succeeded."""

    def __post_init__(self) -> None:
        for name, suffix in _FIXED_KEYS.items():
            object.__setattr__(self, name, self.prefix + suffix)
        # Not an empty key: access control and clusters judge each key of a call by its name.
        object.__setattr__(self, "no_job_keys", (self.indexed,))
        constants = self.constants()
        scripts = {
            "accept": load_script("accept", shortcut="accept_unknown", constants=constants),
            "finish": load_script("finish", constants=constants),
            "finish_inline": join_scripts(
                ["history" if self.history else "base", "finish_inline"], constants
            ),
        }
        for name, script in scripts.items():
            object.__setattr__(self, name, script)

    def constants(self) -> str:
        """Return the constants of the store as Lua."""
        step = max(1, min(self.history // 16, _LONGEST_STEP))
        return (
            f"local HISTORY, STEP, REPLICAS = {self.history}, {step}, {self.replicas}\n"
            f"local LEASE, RETENTION, UNFINISHED_RETENTION = "
            f"{self.lease}, {self.retention}, {self.unfinished_retention}\n"
        )

    def record(self, key: bytes) -> bytes:
        """Return the key of one delivery's record."""
        return self.prefix + b"d" + key

    def part(self, key: bytes, queue: str) -> tuple[bytes, bytes]:
        """Return the keys of one delivery's record and of the unfinished jobs of *queue*."""
        return self.record(key), self.pending(queue)

    def claim(self, key: bytes, queue: str) -> tuple[bytes, bytes, bytes, bytes]:
        """Return the keys that a job of *queue* needs to claim its part of a delivery."""
        return self.record(key), self.pending(queue), self.dead, self.lost(queue)

    def delivery_id(self, digest: bytes) -> bytes:
        """Return the key that leads from a delivery id to its records."""
        return self.prefix + b"i" + digest

    def entity(self, digest: bytes) -> bytes:
        """Return the key of one entity's high-water mark."""
        return self.prefix + b"l" + digest

    def pending(self, queue: str) -> bytes:
        """Return the key of the unfinished jobs of *queue*."""
        return self.prefix + b"pending:" + queue.encode()

    def claimed(self, queue: str) -> bytes:
        """Return the key of the jobs of *queue* that are claimed and have not begun."""
        return self.prefix + b"claimed:" + queue.encode()

    def index(self, state: str) -> bytes:
        """Return the key of the sorted set of the records in *state* by arrival."""
        return self.prefix + b"state:" + state.encode()

    @property
    def indexes(self) -> tuple[bytes, ...]:
        """The keys of the indexes of states, in the order of their names."""
        return tuple(map(self.index, INDEXES))

    def lost(self, queue: str) -> bytes:
        """Return the key of the jobs of *queue* whose records are gone."""
        return self.prefix + b"lost:" + queue.encode()


def ignore_answer(_: object) -> None:
    """Return nothing, of a script whose answer says nothing."""


def load_script(
    name: str, *, shortcut: str = "", helpers: str = "", constants: str = "", shared: bool = True
) -> Script:
    """Return the script *name*, after the functions that all scripts share.

    The script *shortcut* comes before these, and answers common calls at less of the server's time:
    to define a function takes a tenth of a microsecond with each call. *helpers* are functions that
    several scripts share, and *constants* are Lua: the server reads them once, but each argument
    with each call. A script that is called for each job does without those that are *shared*.
    """
    names = [shortcut, "history", "base", "parts", "shared" if shared else "", helpers, name]
    return join_scripts([*filter(None, names)], constants)


def join_scripts(names: Sequence[str], constants: str = "") -> Script:
    """Return one script of *constants* and of what is in the files *names*."""
    folder = files("florentin_webhooks.redis") / "scripts"
    text = constants + "".join((folder / f"{each}.lua").read_text() for each in ["start", *names])
    if "cmsgpack" in text:
        text = (folder / "message_pack.lua").read_text() + text
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())
