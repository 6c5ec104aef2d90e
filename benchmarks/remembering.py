"""A receiver whose Redis remembers many deliveries, and a quick way to get there.

Commands import this module. An environment variable holds the URL of the Redis.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, cast

import redis

from benchmarks.deliveries import SECRET, distinct
from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import ClaimJob
from florentin_webhooks.redis.codec.encode import encode
from florentin_webhooks.rq import RQQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.core.stores.base import Operation

__all__ = ["PATH", "QUEUE", "URL", "fill", "receiver"]

A = TypeVar("A")

URL, QUEUE = "BENCHMARK_REDIS_URL", "florentin"
PATH = f"{__name__}:hooks"
TOGETHER = 1000

REMEMBER = """
for n = 0, #ARGV[1] / 16 - 1 do
  local record = ARGV[2] .. 'd' .. string.sub(ARGV[1], 16 * n + 1, 16 * n + 16)
  redis.call('HSET', record, 's', 'done')
  redis.call('PEXPIRE', record, ARGV[3])
  redis.call('SET', ARGV[2] .. 'i' .. string.sub(ARGV[1], 16 * n + 1, 16 * n + 16),
    string.rep(string.sub(ARGV[1], 16 * n + 1, 16 * n + 16), 2), 'PX', ARGV[3])
end
"""
"""What is left of finished deliveries beyond the history: their state and their delivery ids."""


def receiver(store: RedisStore) -> Receiver:
    """Return a receiver of which commands know how to import it."""
    made = Receiver(SECRET, store=store, queue=RQQueue(QUEUE, receiver=PATH))
    made.on("invoice.created")(bill)
    made.on("user.login", inline=True)(greet)
    return made


def bill(_event: object) -> None:
    """Do nothing, in a worker."""


def greet(_event: object) -> None:
    """Do nothing, before the reply."""


def fill(url: str, *, done: int, waiting: int, dead: int) -> list[str]:
    """Remember so many deliveries, and return the fingerprints of some that are dead."""
    with redis.Redis.from_url(url) as client:
        buffer = _BufferedStore(url, client=client)
        hooks = receiver(buffer)
        keys = [*_queue(hooks, dead)]
        buffer.bury(hooks, keys)
        for _ in _queue(hooks, waiting):
            pass
        buffer.flush()
        _remember(client, buffer, done)
        buffer.close()
    store = RedisStore(url)
    known = receiver(store)
    for made in distinct(min(done, TOGETHER), "user.login"):
        assert known.receive(made.headers, made.body).outcome == "processed"
    store.close()
    return [key.hex() for key in keys[:: max(1, len(keys) // 8)]]


def _queue(hooks: Receiver, count: int) -> Iterator[bytes]:
    for made in distinct(count):
        assert hooks.receive(made.headers, made.body).outcome == "accepted"
        yield cast("_BufferedStore", hooks.store).last


def _remember(client: redis.Redis, store: RedisStore, count: int) -> None:
    script = client.register_script(REMEMBER)
    schema = store.schema
    for _ in range(0, count, TOGETHER):
        script(args=[os.urandom(16 * min(count, TOGETHER)), schema.prefix, schema.retention])


class _BufferedStore(RedisStore):
    """A store that sends a thousand deliveries together, and takes their acceptance for granted."""

    def __init__(self, url: str, *, client: redis.Redis) -> None:
        super().__init__(url)
        self._client: Any = client  # Any: redis-py leaves its types open, as below.
        self._pipeline: Any = client.pipeline(transaction=False)
        self._loaded: set[str] = set()
        self.last = b""

    def execute(self, operation: Operation[A]) -> A:
        if not isinstance(operation, Accept):
            return super().execute(operation)
        self.send(operation)
        self.last = operation.key
        return cast("A", Claim(AcceptDecision.QUEUED, operation.key))

    def send(self, operation: Operation[Any]) -> None:  # Any: of any answer.
        """Send *operation* later, without regard to its answer."""
        call = encode(self.schema, operation)
        if call.script.sha not in self._loaded:
            self._loaded.add(self._client.script_load(call.script.text))
        self._pipeline.execute_command(*call.evalsha())
        if len(self._pipeline) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        self._pipeline.execute()

    def bury(self, hooks: Receiver, keys: list[bytes]) -> None:
        """Fail the only handler of queued deliveries for good, as a worker does."""
        for key in keys:
            part, _ = hooks.build_job(key.hex(), QUEUE)
            self.send(ClaimJob(key, b"t" * 16, part, 60, hooks.identity.all_key_ids))
            reason = "benchmarks.remembering:bill: ValueError"
            self.send(Finish(key, b"t" * 16, State.DEAD, reason=reason, part=part))
            self._pipeline.hset(part.keys.hash, "status", "failed")
            self._pipeline.zadd(part.keys.failed, {part.id: 1})
            self._pipeline.lpop(part.keys.list)


if URL in os.environ:
    hooks = receiver(RedisStore(os.environ[URL]))
