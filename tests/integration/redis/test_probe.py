"""A server that answers and refuses deliveries is not ready for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis

from florentin_webhooks import Receiver, RedisStore, health
from florentin_webhooks.core.health.probe import ask_store
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from florentin_webhooks.testing import Provider
from tests.support.vectors import SECRET

REFUSALS = {
    "NOREPLICAS": ["CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"],
    "OOM": ["CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"],
    "READONLY": ["REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"],
}


def _bill(_: InvoiceCreated) -> None: ...


def test_server_that_refuses_deliveries_is_not_ready(directory: Path) -> None:
    with EmbeddedServer(directory) as server, redis.Redis.from_url(server.url) as administrator:
        hooks = Receiver(SECRET, store=RedisStore(server.url))
        hooks.on("invoice.created")(_bill)
        execute: Any = administrator.execute_command  # Untyped in redis-py.
        made = Provider(SECRET).make("invoice.created")
        for code, (refuse, accept) in REFUSALS.items():
            execute(refuse)
            (check,) = health(hooks).checks
            assert f"refuses commands ({code})" in check.message
            assert not health(hooks).ready
            assert hooks.receive(*made).status == 503
            ask_store(hooks.store)  # What only reads goes on.
            execute(accept)
            assert health(hooks).ready
        assert execute("DBSIZE") == 0
        hooks.close()
