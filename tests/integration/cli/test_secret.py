"""``secret new`` prints a strong secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import type_in

BODY = b'{"event": "invoice.created", "timestamp": "2026-06-06T12:00:00.000Z", "data": {}}'


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.json"
    path.write_bytes(BODY)
    return path


def test_new_secret_is_strong_and_unique(body: Path) -> None:
    made = {type_in("secret", "new").stdout.strip() for _ in range(3)}
    assert len(made) == 3
    reported = json.loads(type_in("secret", "new", "--json").stdout)["secret"]
    signed = type_in("sign", str(body), environ={"FLORENTIN_WEBHOOK_SECRET": reported})
    assert signed.exit_code == 0
