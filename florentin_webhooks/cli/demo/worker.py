"""The worker of the demonstration: the usual one, but quick to take another one for lost."""

from __future__ import annotations

import logging
import sys

from florentin_webhooks.cli.demo.settings import LOST_AFTER, QUEUE
from florentin_webhooks.cli.devserver.supervisor import end_with_parent
from florentin_webhooks.cli.formatting.log_handler import ConsoleHandler, hide_rq_chatter
from florentin_webhooks.cli.output import Output
from florentin_webhooks.rq.worker import build_worker


def _lost_after(*_: object, **__: object) -> int:
    return LOST_AFTER


def main(out: Output) -> None:
    """Work until the demonstration ends."""
    logging.basicConfig(level=logging.INFO, handlers=[hide_rq_chatter(ConsoleHandler(out))])
    end_with_parent(wanted=True)
    from florentin_webhooks.cli.demo.app import hooks, store  # noqa: PLC0415 - after logging.

    with store.client() as client:
        worker = build_worker(hooks, client, queue=QUEUE, maintenance=1)
        worker.job_monitoring_interval = 1
        setattr(worker, "get_heartbeat_ttl", _lost_after)  # noqa: B010 - of this one.
        worker.work(with_scheduler=True)


if __name__ == "__main__":
    main(Output(json=sys.argv[1] == "json", color="never"))
