"""Deliveries that the previous version left in a Django database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.compatibility.left_behind_inline import INLINE

HERE = Path(__file__).parent / "left_behind"


def test_each_unfinished_handler_runs_once_after_the_migration(tmp_path: Path) -> None:
    paths = os.pathsep.join([str(HERE), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, str(HERE / "receive_django.py"), str(tmp_path / "left.sqlite")],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        name: [[each.outcome, list(each.steps)], [each.outcome_again, []]]
        for name, each in INLINE.items()
    }
