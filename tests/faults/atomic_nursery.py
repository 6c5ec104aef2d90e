"""Where the processes come from that are killed inside of atomic handlers: one for each delivery.

A process that has Django loaded forks them, so that none takes a second to start; it has no
connection itself. Told of a delivery in one line, it answers with the process id of the child in
one line; then come the child's marks, a letter for each point that it passes (``a``: before it
asks the store, ``[`` and ``]``: before and after a commit, ``h``, ``e`` and ``r``: in a handler,
before its effect, after it, and at its end, ``s``: it has an answer), the answer, and the end of
the line once the child has ended, by itself or not.
"""

from __future__ import annotations

import json
import os
import sys

from django.db import connections

from florentin_webhooks import Delivery, Receiver, events
from tests.support.django_settings import configure

SECRET = "made up for the tests of faults"


def mark(letter: str) -> None:
    """Tell the one who kills how far this process has come."""
    os.write(1, letter.encode())


def receiver(alias: str) -> Receiver:
    """A program with two atomic handlers, each with an effect in a table of its own."""
    from florentin_webhooks.django import DjangoStore

    hooks = Receiver(SECRET, store=DjangoStore(alias))

    def effect(handler: str, delivery: Delivery) -> None:
        mark("h")
        with connections[alias].cursor() as cursor:
            cursor.execute("INSERT INTO effects VALUES (%s, %s)", [delivery.delivery_id, handler])
            mark("e")
            cursor.execute("SELECT count(*) FROM effects")
        mark("r")

    @hooks.on("invoice.created", atomic=True)
    def bill(_: events.InvoiceCreated, delivery: Delivery) -> None:
        effect("bill", delivery)

    @hooks.on("invoice.created", atomic=True)
    def grant(_: events.InvoiceCreated, delivery: Delivery) -> None:
        effect("grant", delivery)

    return hooks


def serve(alias: str, hooks: Receiver, delivered: dict[str, str]) -> None:
    """Receive one delivery, as a process that does nothing else."""
    connection = connections[alias]
    connection.ensure_connection()
    commit = connection.commit

    def marked() -> None:
        mark("[")
        commit()
        mark("]")

    vars(connection)["commit"] = marked
    mark(f"{os.getpid()}\na")
    reply = hooks.receive(delivered["headers"], delivered["body"].encode())  # type: ignore[arg-type]  # a dict.
    mark("s")
    connection.close()
    mark(f" {reply.outcome}")


def main(alias: str, database: str) -> None:
    """Fork a process for each line."""
    configure()
    connections.settings[alias].update(json.loads(database))
    hooks = receiver(alias)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            serve(alias, hooks, json.loads(line))
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
