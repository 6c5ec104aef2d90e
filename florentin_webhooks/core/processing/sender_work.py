"""The I/O that few senders need around the flow: fetch a key before, confirm something after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from florentin_webhooks.core.processing import outcomes
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.processing.runtime import Runtime
    from florentin_webhooks.protocol.delivery import Reply
    from florentin_webhooks.senders.base import Answer

__all__ = ["do_answer", "do_work"]


async def do_work(work: Callable[[], object] | None, runtime: Runtime) -> None:
    """Do blocking *work*, if there is any, in a thread where it would stop an event loop."""
    if work is None:
        return
    if runtime.is_blocking:
        work()
    else:
        await asyncio.to_thread(work)


async def do_answer(answer: Answer, runtime: Runtime) -> Reply:
    """Return the reply with *answer*, after its work is done."""
    try:
        await do_work(answer.work, runtime)
    except Unavailable as error:
        return outcomes.reply_for_error(error)
    return outcomes.reply_with_answer(answer)
