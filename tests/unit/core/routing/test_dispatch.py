"""Where handlers run, and what is refused when it is said."""

from __future__ import annotations

from typing import Any

import pytest

from florentin_webhooks import MemoryStore, Receiver, RedisStore, Router, RQQueue
from florentin_webhooks.core.queue import Job
from florentin_webhooks.core.routing.dispatch import EMPTY_PLAN
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event, InvoiceCreated, parse_event
from florentin_webhooks.redis.codec.message_pack import unpack_texts
from tests.support.vectors import SECRET, T0

NOWHERE = "redis://127.0.0.1:1"
FINGERPRINT = "ab" * 16
INVOICE = parse_event(
    {
        "event": "invoice.created",
        "timestamp": T0,
        "data": {
            "invoice": {
                "id": "inv_1",
                "number": "F-1",
                "status": "open",
                "amount_due": 1,
                "currency": "EUR",
            }
        },
    },
    InvoiceCreated,
)


def bill(_event: Event) -> None: ...


def mail(_event: Event) -> None: ...


def check(_event: Event) -> None: ...


BILL, MAIL, CHECK = (f"{__name__}:{name}" for name in ("bill", "mail", "check"))


def receiver(queue: RQQueue | None = None) -> Receiver:
    return Receiver(
        SECRET, store=RedisStore(NOWHERE), queue=queue or RQQueue(receiver="shop:hooks")
    )


def test_handlers_run_in_the_queue_unless_they_say_otherwise() -> None:
    hooks = receiver()
    hooks.on(Event)(bill)
    hooks.on(Event, inline=True)(check)
    hooks.on(Event, queue="mail")(mail)
    wanted = hooks.dispatcher.plan("invoice.created")
    assert [handler.name for handler in wanted.inline] == [CHECK]
    assert wanted.queued == (("florentin", (BILL,)), ("mail", (MAIL,)))
    assert hooks.queue_names == ("florentin", "mail")


def test_without_a_queue_every_handler_runs_inline() -> None:
    hooks = Receiver(SECRET, store=MemoryStore())
    hooks.on(Event)(bill)
    hooks.on(Event)(mail)
    wanted = hooks.dispatcher.plan("invoice.created")
    assert [handler.name for handler in wanted.inline] == [BILL, MAIL]
    assert wanted.jobs(FINGERPRINT) == ()
    assert hooks.queue_names == ()


def test_handler_with_the_default_queue_is_in_the_same_job() -> None:
    hooks = receiver()
    hooks.on(Event)(bill)
    hooks.on(Event, queue="florentin")(mail)
    assert hooks.dispatcher.plan("invoice.created").queued == (("florentin", (BILL, MAIL)),)


def test_what_is_done_is_not_wanted_any_more() -> None:
    hooks = receiver()
    hooks.on(Event)(bill)
    hooks.on(Event, inline=True)(check)
    hooks.on(Event, queue="mail")(mail)
    wanted = hooks.dispatcher.plan("invoice.created")
    assert wanted.excluding(frozenset()) == wanted
    left = wanted.excluding({BILL, CHECK})
    assert (left.inline, left.queued) == ((), (("mail", (MAIL,)),))
    assert [job.queue for job in left.jobs(FINGERPRINT)] == ["mail"]
    nothing = wanted.excluding({BILL, CHECK, MAIL})
    assert (nothing.inline, nothing.queued) == ((), ())
    assert not EMPTY_PLAN.inline
    assert not EMPTY_PLAN.queued


def test_every_queue_has_a_job_of_its_own() -> None:
    hooks = receiver()
    hooks.on(Event)(bill)
    hooks.on(Event, queue="mail")(mail)
    jobs = hooks.dispatcher.plan("invoice.created").jobs(FINGERPRINT)
    reported = [(job.id, job.queue, job.handlers, job.keys.hash, job.keys.list) for job in jobs]
    assert reported == [
        (
            f"{FINGERPRINT}-{queue}",
            queue,
            (name,),
            f"rq:job:{FINGERPRINT}-{queue}",
            f"rq:queue:{queue}",
        )
        for queue, name in (("florentin", BILL), ("mail", MAIL))
    ]
    written = [" ".join(unpack_texts(job.words)) for job in jobs]
    assert all(FINGERPRINT in words and "0" * 32 not in words for words in written)


def test_routers_bring_their_handlers_queues_along() -> None:
    router, hooks = Router(), receiver()
    router.on(Event, queue="mail")(mail)
    hooks.include(router)
    assert hooks.dispatcher.plan("invoice.created").queued == (("mail", (MAIL,)),)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a/b", "é", "a" * 65, "a\n", 1])
def test_queue_name_unfit_for_a_job_id_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="letters, digits, _ and -"):
        RQQueue(name)
    with pytest.raises(ConfigurationError, match="at most 64 letters, digits, _ and -"):
        Router().on(Event, queue=name)


def test_an_inline_handler_has_no_queue() -> None:
    with pytest.raises(ConfigurationError, match="inline handler cannot have a queue"):
        Router().on(Event, inline=True, queue="mail")


async def _entity(_event: Event) -> str:
    return ""


@pytest.mark.parametrize("latest", ["data.invoice.id", _entity, 1])
def test_latest_is_a_plain_function(latest: Any) -> None:
    with pytest.raises(ConfigurationError, match="latest is not a plain function"):
        Router().on(Event, latest=latest)


def test_handler_that_comes_later_is_in_the_next_plan() -> None:
    hooks = receiver()
    hooks.on(Event)(bill)
    assert len(hooks.dispatcher.plan("invoice.created").handlers) == 1
    hooks.on(Event)(mail)
    assert [each.name for each in hooks.dispatcher.plan("invoice.created").handlers] == [BILL, MAIL]


def test_unknown_names_share_one_plan() -> None:
    hooks = receiver()
    hooks.on(Event)(bill)
    plans = {id(hooks.dispatcher.plan(f"a.name_{number}")) for number in range(20)}
    assert len(plans) == 1
    assert len(hooks.dispatcher._plans) == 1


def test_a_receiver_without_a_queue_has_no_parts() -> None:
    with pytest.raises(ConfigurationError, match=r"Pass queue=RQQueue"):
        Receiver(SECRET, store=MemoryStore()).dispatcher.build_job(FINGERPRINT, "florentin")


def test_a_part_is_the_job_without_handlers_and_its_time() -> None:
    part, seconds = receiver(RQQueue(timeout=90, receiver="shop:hooks")).dispatcher.build_job(
        FINGERPRINT, "mail"
    )
    assert isinstance(part, Job)
    assert (part.id, part.handlers, seconds) == (f"{FINGERPRINT}-mail", (), 90)
