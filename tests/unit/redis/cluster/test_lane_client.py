from __future__ import annotations

import pytest
from rq.job import JobStatus

from florentin_webhooks.redis.cluster.lane_client import TagPacker
from florentin_webhooks.redis.executors.resp import encode_command

PACKER = TagPacker("{fl:03}", "rq:")


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (("LLEN", "rq:queue:q"), ("LLEN", "{fl:03}rq:queue:q")),
        (("HGET", b"rq:job:1", "status"), ("HGET", "{fl:03}rq:job:1", "status")),
        (
            ("SADD", "rq:workers", "rq:worker:w"),
            ("SADD", "{fl:03}rq:workers", "{fl:03}rq:worker:w"),
        ),
        (("GET", "{fl:03}rq:job:1"), ("GET", "{fl:03}rq:job:1")),
        (("CLIENT SETNAME", "w"), ("CLIENT", "SETNAME", "w")),
        (
            ("HSET", "rq:job:1", "status", JobStatus.QUEUED),
            ("HSET", "{fl:03}rq:job:1", "status", "queued"),
        ),
        (("ZADD", "rq:wip:q", 1.5, b"id"), ("ZADD", "{fl:03}rq:wip:q", "1.5", "id")),
        (
            ("EVALSHA", "sha", 1, "rq:lock", "rq:value"),
            ("EVALSHA", "sha", 1, "{fl:03}rq:lock", "rq:value"),
        ),
    ],
)
def test_keys_of_rq_begin_with_the_tag(
    words: tuple[object, ...], sent: tuple[str | int, ...]
) -> None:
    assert PACKER.pack(*words) == [encode_command(sent)]
