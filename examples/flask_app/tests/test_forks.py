"""Database connections that are not used again: after a fork, or when they became read-only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from saas.models import Login, db
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from tests.in_process import InProcessApp

PROGRAM = """
import os, sys
from saas import create_app
from saas.models import db

app = create_app({
    "SQLALCHEMY_DATABASE_URI": "sqlite:///" + sys.argv[1],
    "FLORENTIN_WEBHOOK_SECRET": "a secret of the forks",
    "FLORENTIN_REDIS_URL": None,
    "FLORENTIN_QUEUE": None,
})
with app.app_context():
    db.create_all()
    engine = db.engine
parents = engine.pool.checkedin()
if (child := os.fork()) == 0:
    os._exit(engine.pool.checkedin())
inherited = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(parents, inherited, engine.pool.checkedin())
"""


def test_fork_inherits_no_connection(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "saas.db")]
    root = Path(__file__).parents[1]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "0", "1"]


def test_read_only_connection_is_discarded(saas: InProcessApp) -> None:
    with saas.app.app_context():
        db.session.execute(text("PRAGMA query_only = ON"))
        with pytest.raises(OperationalError):
            db.session.execute(db.delete(Login))
        db.session.rollback()
        with db.session.begin():
            db.session.execute(db.delete(Login))
