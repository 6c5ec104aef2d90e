"""Commands that ran and whose reply was lost: nothing is lost or doubled."""

from __future__ import annotations

from collections import Counter
from typing import cast

from florentin_webhooks import RedisStore
from florentin_webhooks.redis.schema import Script, load_script
from tests.faults.florentin import Florentin, Ways
from tests.faults.program import QUEUE, hooks
from tests.faults.stage import Stage


def digest(name: str) -> bytes:
    """What a call of the script *name* holds."""
    schema = cast("RedisStore", hooks.store)._schema
    if name == "advance_batch":
        return load_script(name, constants=schema.constants(), shared=False).sha.encode()
    script: Script = getattr(schema, name, None) or load_script(name)
    return script.sha.encode()


def test_accept_with_a_lost_reply_queues_once(stage: Stage) -> None:
    assert stage.proxy
    sender = Florentin(stage.url)
    sender.deliver("invoice.created")
    stage.settle()  # A worker that is stopped in a handler would run it twice.
    stage.stop_all("fork")  # Else the worker may be done before the retry, which is a duplicate.
    lost = 0
    for times, silently in ((1, False), (1, True), (2, False), (2, True)):
        for _ in range(times):
            stage.proxy.lose_answer(digest("accept"), silently=silently)
        sending = sender.sending("invoice.created")
        sending.ways = Ways(same_id=True, same_body=True)
        assert sender.attempt(sending).status == (202 if times == 1 else 503)
        assert sender.attempt(sending).status == 200
        lost += times
    stage.add("fork 7")
    stage.settle()
    assert stage.proxy.lost == lost
    assert stage.oracle.count("start") == stage.oracle.count("effect") == 2 * len(sender.sent)


def test_workers_with_lost_replies_have_each_effect_once(stage: Stage) -> None:
    assert stage.proxy
    sender = Florentin(stage.url)
    sender.deliver("invoice.created")
    stage.settle()
    for what in ("claim_batch", "advance_batch", "once", "finish"):
        # A claim also asks whether the server has the script of the steps.
        stage.proxy.lose_answer(b"EVALSHA\r\n$40\r\n" + digest(what))
        sender.deliver("invoice.created")
    stage.settle()
    assert stage.proxy.lost == 4
    effects = Counter((n.business, n.handler) for n in stage.oracle.notes() if n.what == "effect")
    assert len(effects) == 2 * len(sender.sent)
    assert set(effects.values()) == {1}


def test_job_lost_in_a_pop_is_requeued(stage: Stage) -> None:
    assert stage.proxy
    sender = Florentin(stage.url)
    stage.wait(lambda: stage.proxy and stage.proxy.asked_for(b"BLMOVE"))
    stage.stop_all("fork")
    stage.proxy.lose_answer(b"BLMOVE")
    sending = sender.deliver("invoice.created")
    stage.add("fork 7")
    stage.wait(lambda: stage.proxy and stage.proxy.lost)
    assert stage.client.llen(f"rq:queue:{QUEUE}") == 0
    stage.settle()
    assert stage.oracle.count("effect", sending.business) == 2
