"""Queued handlers of a Django program, in RQ workers that are started in every way there is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.command_line import Program, python
from tests.support.django_served import Site, managed, migrated, program_of, serve

PATH = "florentin_webhooks.django:hooks"


class Works:
    """The program with a queue of its own, under a server."""

    def __init__(self, site: Site, database: Path, environment: dict[str, str]) -> None:
        self.site = site
        self.environment = environment
        self.queue = environment["SITE_QUEUE"]
        self._database = database

    def accept(self) -> str:
        """The id of a delivery that was queued."""
        made = self.site.provider.make("invoice.created")
        answer = self.site.send(made)
        assert (answer.status, answer.outcome) == (202, "accepted"), self.site.output()
        return made.headers["X-Florentin-Delivery-Id"]

    def effects(self) -> list[str]:
        """What the handlers have written into the program's database."""
        with closing(sqlite3.connect(self._database)) as database:
            rows = database.execute("SELECT text FROM django_site_effect")
            return [text for (text,) in rows]


@pytest.fixture(scope="module")
def works(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    folder = tmp_path_factory.mktemp("workers")
    database = migrated(folder / "db.sqlite3")
    more = {"SITE_STORE": redis_server, "SITE_QUEUE": f"q{uuid4().hex[:8]}"}
    environment = program_of(database, **more)
    with serve("gunicorn sync", folder, environment) as site:
        yield Works(site, database, environment)


def by_manage(works: Works) -> Program:
    return managed(works.environment, "florentin_webhooks", "worker", "--burst")


def by_command_line(works: Works) -> Program:
    words = ("-W", "error", "-m", "florentin_webhooks", "worker", PATH, "--burst")
    return python(*words, environ=works.environment)


def by_rq(works: Works) -> Program:
    url = works.environment["SITE_STORE"]
    words = ("-m", "rq.cli", "worker", works.queue, "--burst", "--serializer", "json")
    return python(*words, "--url", url, environ=works.environment)


def in_processes(works: Works) -> Program:
    words = (
        "florentin_webhooks",
        "worker",
        "--burst",
        "--processes",
        "2",
        "--worker-class",
        "simple",
    )
    return managed(works.environment, *words)


@pytest.mark.parametrize("worker", [by_manage, by_command_line, by_rq, in_processes])
def test_worker_runs_handlers_with_django_set_up(works: Works, worker: object) -> None:
    assert callable(worker)
    identity = works.accept()
    assert not any(identity in effect for effect in works.effects())
    done = worker(works)
    assert done.wait() == 0, done.talk
    assert [e for e in works.effects() if identity in e] == [f"bill {identity} atomic=False"]


def test_queue_command_shows_waiting_jobs(works: Works) -> None:
    works.accept()
    reported = managed(works.environment, "florentin_webhooks", "queue", "--json")
    assert f'"queue": "{works.queue}"' in reported.data, reported.talk
    by_manage(works)
