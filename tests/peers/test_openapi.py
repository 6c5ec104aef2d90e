"""The simulator's API against its own document, by schemathesis: it finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from florentin_webhooks.simulator import Simulator
from tests.support.server import under_uvicorn
from tests.support.simulated import TOKEN

pytestmark = pytest.mark.peers

OPTIONS = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "40", "--seed", "1")


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("schemathesis"))
    with Simulator() as simulator, under_uvicorn(simulator.app) as port:
        simulator.add_token(TOKEN)
        url = f"http://127.0.0.1:{port}/api/v1/openapi.json"
        header = f"Authorization: Bearer {TOKEN}"
        done = subprocess.run(
            [program, "run", url, "--header", header, *OPTIONS],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    assert done.returncode == 0, done.stdout
