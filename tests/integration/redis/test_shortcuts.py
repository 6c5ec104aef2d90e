"""Scripts that answer the common calls first: the same keys and fields as without them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
import redis

from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.accept import AcceptDecision, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import JobDecision
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.codec.follow_up import trim_history
from florentin_webhooks.redis.codec.message_pack import pack_texts
from tests.support.operations import begin, ended, queued
from tests.support.parts import job
from tests.support.stores import NOON, accept, content, finish

TIMES = {b"u:", b"z"}


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:  # Any: redis-py leaves its types open.
    with redis.Redis.from_url(redis_url) as made:
        made.flushdb()
        yield made


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisStore]:
    made = RedisStore(redis_url, retention=1000, unfinished_retention=2000)
    yield made
    made.close()


def everything(client: Any) -> dict[bytes, object]:
    """Return every key but times, and without the contents of the delivery id."""
    read = {
        b"hash": lambda key: {
            name: value for name, value in client.hgetall(key).items() if name not in TIMES
        },
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
    }
    keys = [key for key in client.scan_iter() if client.type(key) in read]
    return {key: (read[client.type(key)](key), client.ttl(key) > 0) for key in keys}


def know_the_id(client: Any, store: RedisStore) -> None:
    """Let other content be known under the delivery id, which the shortcut leaves to the rest."""
    store.execute(accept(content(7), token=b"other"))
    client.delete(store.record_key(accept(content(7)).key.hex()), "fl:log")


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "queued"])
def test_shortcut_of_accept_leaves_what_the_whole_script_leaves(
    client: Any, store: RedisStore, *, inline: bool
) -> None:
    jobs = () if inline else (job(content()), job(content(), "other", ("m:mail",)))
    found = []
    for reused in (False, True):
        client.flushdb()
        if reused:
            know_the_id(client, store)
        claim = store.execute(accept(content(), inline=inline, jobs=jobs))
        assert claim.id_reused is reused
        assert claim.decision is (AcceptDecision.RUN if inline else AcceptDecision.QUEUED)
        found.append((claim._replace(id_reused=False), everything(client)))
    assert found[0] == found[1]


def test_shortcut_leaves_a_known_job_to_the_whole_script(client: Any, store: RedisStore) -> None:
    part = job(content())
    client.hset(part.keys.hash, "status", "failed")
    client.zadd(part.keys.failed, {part.id: 1})
    client.zadd("fl:dead", {part.id: 1})
    assert store.execute(queued()).decision is AcceptDecision.QUEUED
    assert client.hgetall(part.keys.hash) == {b"status": b"queued", b"queue": b"q"}
    assert client.lrange(part.keys.list, 0, -1) == [part.id.encode()]
    assert not client.exists(part.keys.failed, "fl:dead")


def test_dead_letter_of_an_earlier_record_is_not_counted(client: Any, store: RedisStore) -> None:
    part = job(content())
    for state in (State.DEAD, State.DONE):
        client.flushdb()
        client.zadd("fl:dead", {part.id: 1})
        store.execute(queued())
        assert store.execute(begin()).decision is JobDecision.RUN
        client.zadd("fl:dead", {part.id: 1})
        assert store.execute(ended(state)) is state
        assert client.zcard("fl:dead") == (state is State.DEAD)


def test_queue_is_listed_once_it_has_jobs(client: Any, store: RedisStore) -> None:
    for number in range(3):
        store.execute(queued(content(number)))
    assert client.smembers("rq:queues") == {job(content()).keys.list.encode()}


@pytest.mark.parametrize("before", ["", "local cmsgpack = nil\n"], ids=["server", "fakeredis"])
@pytest.mark.parametrize("size", [0, 31, 32, 255, 256, 65_535, 65_536])
def test_server_reads_packed_texts(client: Any, size: int, before: str) -> None:
    texts = ["first", "x" * size, "last"]
    reader = files("florentin_webhooks.redis") / "scripts" / "message_pack.lua"
    script = f"{before}{reader.read_text()}return {{cmsgpack.unpack(ARGV[1])}}"
    found = client.eval(script, 0, pack_texts(texts))
    assert [each.decode() for each in found] == texts


def test_shortcut_of_finish_leaves_what_the_whole_script_leaves(
    client: Any, store: RedisStore
) -> None:
    found = []
    for reason in ("", "a reason, which the shortcut leaves to the rest"):
        client.flushdb()
        store.execute(accept(content()))
        done = finish(content(), handler="m:bill")
        done.reason = reason
        assert store.execute(done) is State.DONE
        found.append(everything(client))
    assert found[0] == found[1]


def test_shortcut_of_finish_requires_the_lease(client: Any, store: RedisStore) -> None:
    key = accept(content()).key
    assert store.execute(Finish(key, b"first", State.DONE)) is State.LOST
    store.execute(accept(content()))
    assert store.execute(Finish(key, b"other", State.DONE)) is State.LOST
    store.execute(Finish(key, b"first", State.FAILED))
    assert store.execute(Finish(key, b"first", State.DONE)) is State.LOST
    assert client.hget(store.record_key(key.hex()), "s") == b"failed"


def test_full_list_of_finished_records_is_renewed(client: Any, redis_url: str) -> None:
    renewing = [accept(content(number)).key[0] % 8 == 0 for number in range(20)]
    with closing(RedisStore(redis_url, history=2)) as store:
        for number, renews in enumerate(renewing):
            store.execute(accept(content(number)))
            client.expire("fl:done", 100)
            assert store.execute(finish(content(number))) is State.DONE
            assert (client.ttl("fl:done") > 100) is (renews or number == 0)
    assert 1 < renewing.count(True) < 10


def test_history_is_trimmed_a_step_at_a_time(client: Any, redis_url: str) -> None:
    with closing(RedisStore(redis_url, history=32)) as store:
        lengths = []
        for number in range(40):
            store.execute(accept(content(number)))
            assert store.execute(finish(content(number))) is State.DONE
            lengths.append(client.llen("fl:done"))
        oldest, newest = (store.record_key(accept(content(n)).key.hex()) for n in (7, 8))
        assert client.hgetall(oldest) == {b"s": b"done"}
        assert client.hexists(newest, "b")
    assert lengths == [*range(1, 33), 33, 32, 33, 32, 33, 32, 33, 32]
    assert client.zcard("fl:log") == 32


@pytest.mark.parametrize("missing", [0, 1])
def test_trim_of_a_list_that_has_changed_does_nothing(
    client: Any, store: RedisStore, missing: int
) -> None:
    keys = [accept(content(number)).key for number in range(3)]
    for number in range(3):
        store.execute(accept(content(number)))
        store.execute(finish(content(number)))
    client.lrem("fl:done", 1, keys[missing])
    call = trim_history(store._schema, keys[1] + keys[0])
    assert client.eval(call.script.text, len(call.keys), *call.keys, *call.arguments) == 0
    assert client.llen("fl:done") == 2


def test_failed_trim_leaves_the_delivery_done(client: Any, store: RedisStore) -> None:
    with closing(RedisStore(limited(client, store.address, "-rpop"), history=1)) as limited_store:
        for number in range(3):
            limited_store.execute(accept(content(number)))
            assert limited_store.execute(finish(content(number))) is State.DONE
    assert client.llen("fl:done") == 3


def test_retry_of_a_refused_acceptance_reuses_no_id(client: Any, store: RedisStore) -> None:
    with (
        closing(RedisStore(limited(client, store.address, "-hset"))) as limited_store,
        pytest.raises(Unavailable),
    ):
        limited_store.execute(accept(content()))
    assert client.keys("fl:i*")
    claim = store.execute(accept(content()))
    assert (claim.decision, claim.id_reused) == (AcceptDecision.RUN, False)


def limited(client: Any, url: str, *rules: str) -> str:
    """Return the URL for a user who may do everything but what *rules* forbid."""
    client.execute_command(
        "ACL", "SETUSER", "limited", "reset", "on", ">few", "~*", "+@all", *rules
    )
    return url.replace("://", "://limited:few@")


def test_log_drops_what_must_have_expired(client: Any, store: RedisStore) -> None:
    remember(store, range(40))
    remember(store, range(3900, 3980))
    assert client.zcard("fl:log") == 120
    remember(store, range(4080, 4160))
    assert client.zcard("fl:log") == 160


def remember(store: RedisStore, numbers: range) -> None:
    for number in numbers:
        asked = accept(content(number), under=None)
        received = NOON + timedelta(seconds=number)
        asked.delivery = replace(asked.delivery, received_at=received)
        store.execute(asked)
