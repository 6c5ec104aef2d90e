"""The benchmarks run; the tests do not judge what they measure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


IN_PROCESS = ("verify", "in_process", "json", "import", "memory", "inspector")
"""They start no server."""
SERVING = ("http", "redis", "worker", "mounts", "scale")

_CLUSTER = pytest.param(("cluster",), marks=pytest.mark.long)


# One process for several subjects imports everything once.
@pytest.mark.parametrize("subjects", [IN_PROCESS, SERVING, _CLUSTER], ids=" ".join)
def test_benchmark_runs_and_yields_rows(subjects: tuple[str, ...]) -> None:
    chosen = [word for subject in subjects for word in ("--only", subject)]
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", *chosen]
    reported = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=280
    )
    assert reported.returncode == 0, reported.stderr
    rows = [json.loads(line) for line in reported.stdout.splitlines()]
    assert len(rows) >= len(subjects)
    # The system counts CPU time in ticks, and a quick run may take less than one. During what is
    # quick, Redis may be held for no time, and no delivery may come.
    zero = re.compile("CPU|longest hold|slowest delivery")
    assert [row for row in rows if row["measured"] <= 0 and not zero.search(row["what"])] == []
