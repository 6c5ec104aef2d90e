from __future__ import annotations

from pathlib import Path

import pytest

from florentin_webhooks import Spool


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def spool(path: Path) -> Spool:
    return Spool(path)
