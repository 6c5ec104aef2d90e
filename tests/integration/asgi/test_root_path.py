"""Deliveries behind a root path, and the table of docs/servers.md, under real servers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.servers import KINDS, find_root_path, is_processed, serve
from florentin_webhooks.protocol.servers import SERVERS, RootPath
from tests.support.floors import ROOT, install, run


def test_delivery_behind_a_root_path_is_processed(tmp_path: Path) -> None:
    kind = KINDS["gunicorn, asgi"]
    with serve(kind, tmp_path / "notes") as port:
        assert find_root_path(port, kind) is RootPath.BESIDE
        assert is_processed(port)


@pytest.mark.long
def test_measured_servers_equal_the_documented_table(tmp_path: Path) -> None:
    install(sys.executable, "--target", tmp_path, "--group", f"{ROOT}/pyproject.toml:servers")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    lines = run(sys.executable, "-m", "benchmarks.servers", PYTHONPATH=path).splitlines()
    assert [each.split(" | ")[0].strip("| ") for each in lines[2:]] == [*KINDS]
    assert [*KINDS] == [each.name for each in SERVERS]
