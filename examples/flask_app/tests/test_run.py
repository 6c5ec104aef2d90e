"""`make run` says what to type, and ends as it began: with nothing running."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from tests.program import ROOT, started


def test_what_it_says_can_be_typed_and_ctrl_c_ends_everything(tmp_path: Path) -> None:
    with started(tmp_path) as program:
        typed = "".join(line for line in program.output if line.startswith("  "))
        done = subprocess.run(
            ["/bin/sh", "-ec", typed],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert "202 accepted" in done.stdout
        assert program.end() == 0
        with pytest.raises(redis.ConnectionError):
            redis.Redis.from_url(program.redis_url).ping()


@pytest.mark.parametrize("port", ["taken", "80x", "99999"])
def test_where_nobody_can_listen_it_says_so_in_one_line(port: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = str(taken.getsockname()[1]) if port == "taken" else port
        done = subprocess.run(
            [sys.executable, ROOT / "run.py"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PORT": wanted,
                "DATABASE_URL": f"sqlite:///{tmp_path}/saas.db",
                "FLORENTIN_REDIS_URL": "redis://127.0.0.1:1",  # Nobody asks it for anything yet.
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"port {wanted} cannot be used, or another program has it; try: PORT=8001 make run\n"
    )
