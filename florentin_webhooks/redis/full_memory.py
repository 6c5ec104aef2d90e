"""A server whose memory is full, and a client for workers whose commands it still executes.

A full server refuses each command that may need memory, so a worker could neither register nor take
the jobs that would free it. A script that has written once may do so (``scripts/force.lua``). What
a worker writes is small, and each event that it finishes frees more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import redis
from redis.client import Pipeline
from redis.exceptions import OutOfMemoryError, ResponseError

from florentin_webhooks.redis.schema import load_script

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ForcingClient", "force_where_full", "is_full"]

_SCRIPT = load_script("force")
_FIRST_WRITE = "redis.pcall('HDEL', KEYS[1], '')"
_NOT_IN_SCRIPTS = ("EVAL", "SCRIPT", "CLIENT", "SUBSCRIBE", "WATCH", "UNWATCH")
_KEYS = {"LMOVE": 2, "RPOPLPUSH": 2, "DEL": None, "EXISTS": None}
_LONGEST_WAIT = 1.0
_FULL = 0.99
"""What a server uses goes up and down by the size of its buffers."""

_Command = tuple[tuple[Any, ...], dict[str, Any]]  # Any: redis-py's arguments and options.


def force_where_full(client: redis.Redis) -> redis.Redis:
    """Return a client that shares the connections of *client*; itself if it is of its own class."""
    if type(client) is not redis.Redis:
        return client
    return ForcingClient(connection_pool=client.connection_pool)


class _ForcingPipeline(Pipeline):
    """Pipeline that executes its commands as a script where the server refuses one of them."""

    owner: ForcingClient

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Execute as redis-py does; then once more, with a first write, if memory is full."""
        commands: list[_Command] = list(cast("Any", self).command_stack)
        try:
            return super().execute(raise_on_error)
        except OutOfMemoryError:
            answers = self.owner.force(commands)
        if raise_on_error:
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers


class ForcingClient(redis.Redis):
    """Client that sends a command as a script where the server's memory is full."""

    def execute_command(self, *words: Any, **options: Any) -> Any:
        """Execute as redis-py does; then once more, after a first write, if memory is full."""
        execute = cast("Any", super()).execute_command
        try:
            return execute(*words, **options)
        except OutOfMemoryError:
            if not _is_forcible(words):
                raise
        if words[0] == "BLMOVE":
            return self._wait_for_job(*words[1:])
        (answer,) = self.force([(words, options)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def register_script(self, script: Any) -> Any:
        """Return RQ's *script* with a first write before it."""
        return super().register_script(f"{_FIRST_WRITE}\n{script}")

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Any:
        """Return a pipeline that does the same."""
        callbacks = self.response_callbacks
        made = _ForcingPipeline(self.connection_pool, callbacks, transaction, shard_hint)
        made.owner = self
        return made

    def force(self, commands: Sequence[_Command]) -> list[Any]:
        """Execute *commands* in one script, and return their answers, errors among them."""
        if not all(_is_forcible(words) for words, _ in commands):
            return [self.execute_command(*words, **options) for words, options in commands]
        keys = [key for words, _ in commands for key in _keys_of(words)]
        arguments = [each for words, _ in commands for each in (len(words), *self.spell(words))]
        execute = cast("Any", super()).execute_command
        answers: list[Any] = execute("EVAL", _SCRIPT.text, len(keys), *keys, *arguments)
        return [
            self._read(answer, words, options)
            for answer, (words, options) in zip(answers, commands, strict=True)
        ]

    def spell(self, words: tuple[Any, ...]) -> Sequence[Any]:
        """Return a command as a script of the server has to execute it."""
        return words

    def _read(self, answer: Any, words: tuple[Any, ...], options: dict[str, Any]) -> Any:
        read: Any = cast("Any", self).response_callbacks.get(words[0])
        return answer if read is None or isinstance(answer, Exception) else read(answer, **options)

    def _wait_for_job(self, *words: Any) -> Any:
        *lists, timeout = words
        (answer,) = self.force([(("LMOVE", *lists), {})])
        if answer is None:  # A script cannot wait.
            time.sleep(min(float(timeout) or _LONGEST_WAIT, _LONGEST_WAIT))
        return answer


def _is_forcible(words: Sequence[Any]) -> bool:
    return not str(words[0]).startswith(_NOT_IN_SCRIPTS)


def _keys_of(words: Sequence[Any]) -> Sequence[Any]:
    count = _KEYS.get(words[0], 1)
    return words[1:] if count is None else words[1 : 1 + count]


def is_full(client: Any) -> bool:  # Any: redis-py's clients.
    """Return whether the server refuses what needs memory; False where INFO is forbidden."""
    try:
        info = client.info("memory")
    except ResponseError:
        return False
    limit = info.get("maxmemory", 0)
    is_kept = info.get("maxmemory_policy", "noeviction") == "noeviction"
    return bool(limit) and is_kept and info["used_memory"] >= limit * _FULL
