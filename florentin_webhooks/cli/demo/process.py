"""The child processes of the demonstration: ``python -m`` this, web, worker or provider.

Their log lines are printed once the file *audible* exists, so that the steps are not interrupted.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from florentin_webhooks.asgi import WebhookMiddleware
from florentin_webhooks.cli.demo.settings import (
    LOST_AFTER,
    PROVIDER_PATH,
    QUEUE,
    STRIPE_PATH,
    TARGET_VARIABLE,
    TOKEN_VARIABLE,
)
from florentin_webhooks.cli.devserver.inspector import add_inspector
from florentin_webhooks.cli.devserver.supervisor import end_with_parent
from florentin_webhooks.cli.devserver.web import PATH, ServerState, build_app, public_url, serve
from florentin_webhooks.cli.formatting.log_handler import ConsoleHandler, hide_rq_chatter
from florentin_webhooks.cli.inputs import SECRET_VARIABLE
from florentin_webhooks.cli.output import Output

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver

__all__ = ["main"]


def main(role: str, descriptor: int, audible: Path, out: Output) -> None:
    """Serve at the socket *descriptor*, or work, until the demonstration ends."""
    handler = hide_rq_chatter(ConsoleHandler(out.emit))
    handler.addFilter(lambda _: audible.exists())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    end_with_parent(wanted=True)
    if role == "web":
        _serve(descriptor)
    elif role == "provider":
        _simulate(descriptor)
    else:
        _work()


def _serve(descriptor: int) -> None:
    from florentin_webhooks.cli.demo.app import hooks, provider, stripe  # noqa: PLC0415 - the same.

    app = WebhookMiddleware(build_app(hooks), receiver=stripe, path=STRIPE_PATH)
    app = WebhookMiddleware(app, receiver=provider, path=PROVIDER_PATH)
    with suppress(KeyboardInterrupt), socket.socket(fileno=os.dup(descriptor)) as listener:
        os.close(descriptor)
        url, state = public_url(listener), ServerState()
        urls: dict[Receiver[object], str] = {
            hooks: url,
            stripe: url.removesuffix(PATH) + STRIPE_PATH,
            provider: url.removesuffix(PATH) + PROVIDER_PATH,
        }
        inspected, _ = add_inspector(app, urls, listener, state)
        serve(inspected, listener, state)


def _simulate(descriptor: int) -> None:
    """Serve the local Florentin, which sends to the web process."""
    from florentin_webhooks.simulator import Simulator  # noqa: PLC0415 - the others need it not.

    state = ServerState()
    with (
        suppress(KeyboardInterrupt),
        socket.socket(fileno=os.dup(descriptor)) as listener,
        Simulator(speed=60, is_stopping=state.is_stopping) as simulator,
    ):
        os.close(descriptor)
        simulator.add_token(os.environ[TOKEN_VARIABLE])
        simulator.add_endpoint(os.environ[TARGET_VARIABLE], os.environ[SECRET_VARIABLE])
        serve(simulator.app, listener, state)


def _work() -> None:
    from florentin_webhooks.cli.demo.app import (  # noqa: PLC0415 - after logging.
        hooks,
        provider,
        store,
        stripe,
    )
    from florentin_webhooks.inspector.shared_trail import share_trail  # noqa: PLC0415 - the same.
    from florentin_webhooks.rq.worker import build_worker  # noqa: PLC0415 - the same.

    share_trail(hooks, error_text=True)
    share_trail(stripe, error_text=True)
    share_trail(provider, error_text=True)
    with store.client() as client:
        worker = build_worker(hooks, client, queue=QUEUE, maintenance=1, others=[stripe, provider])
        worker.job_monitoring_interval = 1
        setattr(worker, "get_heartbeat_ttl", _lost_after)  # noqa: B010 - of this one.
        worker.work(with_scheduler=True)


def _lost_after(*_: object, **__: object) -> int:
    return LOST_AFTER


if __name__ == "__main__":
    _role, _descriptor, _audible, _form, _color = sys.argv[1:]
    main(_role, int(_descriptor), Path(_audible), Output(_form == "json", _color))
