"""Leave deliveries behind in an empty Redis, and print what is in it: ``leave_redis.py URL``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import redis

os.environ["LEFT_BEHIND_REDIS"] = sys.argv[1]
import left_behind_redis
from scenarios import Sender, send_inline

QUEUE = "rq:queue:leftbehind"
PASSING = (b"rq:worker", b"rq:clean", b"rq:scheduler-lock", b"rq:executions", b"rq:results")


def work(failing: str = "") -> None:
    """Run the jobs that wait in a worker of this version."""
    command = [sys.executable, "-m", "florentin_webhooks", "worker", "left_behind_redis:hooks"]
    subprocess.run(
        [*command, "--burst"], check=True, stdout=sys.stderr, env={**os.environ, "FAILING": failing}
    )


def make_due(client: Any) -> None:
    """Make every scheduled retry due."""
    for job_id in client.zrange("rq:scheduled:leftbehind", 0, -1):
        client.zadd("rq:scheduled:leftbehind", {job_id: 1})


def leave_jobs(sender: Sender, client: Any) -> None:
    """Leave one job of each kind behind."""
    for name in ("dead", "dead-requeued"):
        sender.send(sender.make(name, "invoice.created"), "accepted")
    work("bill")
    make_due(client)
    work("bill")
    sender.send(sender.make("job-done", "invoice.created"), "accepted")
    work()
    sender.send(sender.make("scheduled", "invoice.created"), "accepted")
    work("bill")
    sender.send(sender.make("lost", "invoice.created"), "accepted")
    assert client.lpop(QUEUE)
    sender.send(sender.make("queued", "invoice.created"), "accepted")


def typed_value(client: Any, key: bytes) -> dict[str, Any]:
    """One key: bytes become text with a character for each."""
    kind = client.type(key).decode()
    read = {
        "string": lambda: text(client.get(key)),
        "hash": lambda: [[text(k), text(v)] for k, v in client.hgetall(key).items()],
        "list": lambda: [text(each) for each in client.lrange(key, 0, -1)],
        "set": lambda: sorted(text(each) for each in client.smembers(key)),
        "zset": lambda: [[text(k), v] for k, v in client.zrange(key, 0, -1, withscores=True)],
    }[kind]
    return {"key": text(key), "type": kind, "ttl": client.pttl(key), "value": read()}


def text(value: bytes) -> str:
    """Text in which each character is a byte."""
    return value.decode("latin-1")


def main() -> None:
    """Leave everything behind and print it."""
    client: Any = redis.Redis.from_url(sys.argv[1])
    assert client.dbsize() == 0, "that Redis is not empty"
    sender = Sender(left_behind_redis.hooks, left_behind_redis.NOON)
    send_inline(sender)
    leave_jobs(sender, client)
    seconds, micros = client.time()
    keys = [key for key in sorted(client.keys()) if not key.startswith(PASSING)]
    print(  # noqa: T201 - the output.
        json.dumps(
            {
                "made_at": seconds * 1000 + micros // 1000,
                "requests": sender.requests,
                "keys": [typed_value(client, key) for key in keys],
            },
            indent=1,
        )
    )


main()
