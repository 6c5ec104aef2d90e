"""`make run` says what to type, and ends as it began: with nothing running."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import redis
from tests.program import started


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
