"""`make run` prints working commands, and stops all of its processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from tests.program import ROOT, run_program


def test_printed_commands_work_and_ctrl_c_stops_everything(tmp_path: Path) -> None:
    with run_program(tmp_path) as program:
        typed = "".join(line for line in program.output if line.startswith("  "))
        done = subprocess.run(
            ["/bin/sh", "-ec", typed],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert "202 accepted" in done.stdout
        assert program.end() == 0
        with pytest.raises(redis.ConnectionError):
            redis.Redis.from_url(program.redis_url).ping()


@pytest.mark.parametrize("port", ["taken", "80x", "99999"])
def test_unusable_port_is_reported_in_one_line(port: str, tmp_path: Path) -> None:
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
                "FLORENTIN_REDIS_URL": "redis://127.0.0.1:1",  # Not used before that.
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == f"Port {wanted} is invalid or in use. Try: PORT=8001 make run\n"
