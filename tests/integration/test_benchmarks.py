"""The benchmarks run; the tests do not judge what they measure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


SUBJECTS = [
    "verify",
    "in_process",
    "http",
    "redis",
    "worker",
    "import",
    "mounts",
    "json",
    "memory",
    "inspector",
    "scale",
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_benchmark_runs_and_yields_rows(subject: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", "--only", subject]
    reported = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=200
    )
    rows = [json.loads(line) for line in reported.stdout.splitlines()]
    assert rows
    # The system counts CPU time in ticks, and a quick run may take less than one.
    assert all(row["measured"] > 0 or "CPU" in row["what"] for row in rows)
