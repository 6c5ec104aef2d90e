"""Connections that a parent opened before it forked, as a worker of class fork does."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.command_line import python
from tests.support.postgres import shared_server

# Each child appends a row; the first is killed inside its transaction.
PROGRAM = """
import json, os, signal, sys
from django.conf import settings
database = {"ENGINE": "django.db.backends.postgresql", "USER": "postgres",
            "HOST": sys.argv[1], "NAME": "postgres", "CONN_MAX_AGE": 600}
settings.configure(DATABASES={"default": database, "other": database})
import django
django.setup()
from django.db import connections, transaction
from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.django import webhook_view

hooks = Receiver("a secret of the forks", store=MemoryStore())
webhook_view(hooks)

def ask(alias, sql):
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None

def job(alias, killed):
    with hooks.handler_context(), transaction.atomic(alias):
        ask(alias, "INSERT INTO fork_effect VALUES (1)")
        if killed:
            os.kill(os.getpid(), signal.SIGKILL)

ask("default", "DROP TABLE IF EXISTS fork_effect")
ask("default", "CREATE TABLE fork_effect (n int)")
sessions = [ask(alias, "SELECT pg_backend_pid()") for alias in ("default", "other")]
for alias, killed in [("default", True), ("default", False), ("other", True), ("other", False)]:
    if (child := os.fork()) == 0:
        job(alias, killed)
        connections.close_all()
        os._exit(0)
    os.waitpid(child, 0)
same = [ask(alias, "SELECT pg_backend_pid()") for alias in ("default", "other")] == sessions
print(json.dumps([ask("default", "SELECT count(*) FROM fork_effect"), same]))
"""


def test_connections_of_the_parent_are_not_used_by_forks() -> None:
    program = python("-c", PROGRAM, str(shared_server().directory))
    assert program.wait() == 0, program.talk
    assert json.loads(program.data) == [2, True], program.talk


def test_fork_without_settings_is_silent() -> None:
    code = (
        "import os\n"
        "from florentin_webhooks.django.forks import forget_connections_in_forks\n"
        "forget_connections_in_forks()\n"
        "os.waitpid(os.fork() or os._exit(0), 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
