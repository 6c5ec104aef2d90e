"""The project as a whole: its checks, its migrations, and the way in which it is started."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.sites import HERE, eventually


@pytest.mark.parametrize("more", [{}, {"REDIS_URL": "redis://localhost:6379/0"}])
def test_nothing_is_missing_for_a_deployment(more: dict[str, str]) -> None:
    """With the settings of a deployment, which are not those of these tests."""
    secrets = ("DJANGO_SECRET_KEY", "FLORENTIN_WEBHOOK_SECRET")
    given = {name: os.environ[name] for name in secrets} | more
    check = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"]
    result = subprocess.run(check, cwd=HERE, env=given, check=False, text=True, capture_output=True)
    assert (result.returncode, "no issues" in result.stdout) == (0, True), result.stderr


def test_the_migrations_are_complete(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True)


def test_what_run_says_to_type_works_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {"PATH": os.environ["PATH"], "PORT": str(port), "DATABASE_PATH": str(tmp_path / "db")}
    log = tmp_path / "log"
    with log.open("wb") as written:
        run = subprocess.Popen(
            [sys.executable, "run.py"], env=given, cwd=HERE, stdout=written, stderr=written
        )
    try:
        eventually(lambda: "Listening at" in log.read_text(), log)
        typed = "\n".join(re.findall(r"^  (.*)$", log.read_text(), re.MULTILINE))
        shell = ["bash", "-e", "-c", typed]
        result = subprocess.check_output(shell, text=True, env={"PATH": given["PATH"]})
        assert (result.count("200 processed"), result.count("200 duplicate")) == (3, 1)
    finally:
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 0


@pytest.mark.parametrize("port", ["taken", "80x", "99999"])
def test_where_nobody_can_listen_run_says_so_and_changes_nothing(port: str, tmp_path: Path) -> None:
    database = tmp_path / "db"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = str(taken.getsockname()[1]) if port == "taken" else port
        result = subprocess.run(
            [sys.executable, "run.py"],
            env={"PATH": os.environ["PATH"], "PORT": wanted, "DATABASE_PATH": str(database)},
            cwd=HERE,
            check=False,
            text=True,
            capture_output=True,
        )
    assert (result.returncode, database.exists(), result.stdout) == (1, False, "")
    assert result.stderr == (f"Port {wanted} is invalid or taken. Try: PORT=8001 make run\n")
