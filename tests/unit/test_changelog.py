"""The changelog lists every name that the package still accepts under its old name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREES = [ast.parse(path.read_text()) for path in ROOT.glob("florentin_webhooks/**/*.py")]
ROWS = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("| `")]


def renamed_names() -> Iterator[tuple[str, str]]:
    """Yield the old and the new name of each alias for modules, options and settings."""
    for call in (node for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.Call)):
        tables = [keyword.value for keyword in call.keywords if keyword.arg == "renamed"]
        if isinstance(call.func, ast.Name) and call.func.id == "renamed_names":
            tables.append(call.args[1])
        for table in tables:
            if isinstance(table, ast.Dict):
                yield from ast.literal_eval(table).items()


def test_changelog_lists_every_renamed_name() -> None:
    aliases = list(renamed_names())
    assert ("parse", "parse_event") in aliases
    missing = [
        alias
        for alias in aliases
        if not any(alias[0] in old and alias[1] in new for old, new in map(_cells, ROWS))
    ]
    assert missing == []


def _cells(row: str) -> tuple[str, str]:
    old, _, new = row.strip("| ").partition(" | ")
    return old, new
