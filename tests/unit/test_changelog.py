"""The changelog lists every name that the package still accepts under its old name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("| `")]


def renamed_names() -> Iterator[tuple[str, str]]:
    """Yield the old and the new name of each alias for modules, options and settings."""
    for path in ROOT.glob("florentin_webhooks/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            yield from _aliases(node)


def _aliases(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Assign([ast.Name(old)], ast.Call(ast.Name("RenamedAttribute"), [new])):
            yield old, ast.literal_eval(new)
        case ast.Call(ast.Name("renamed_names"), [_, ast.Dict() as table]):
            yield from ast.literal_eval(table).items()
        case ast.keyword("renamed", ast.Dict() as table):
            yield from ast.literal_eval(table).items()
        case _:
            pass


def test_changelog_lists_every_renamed_name() -> None:
    aliases = list(renamed_names())
    assert {("parse", "parse_event"), ("refuse", "reject")} <= set(aliases)
    missing = [
        alias
        for alias in aliases
        if not any(alias[0] in old and alias[1] in new for old, new in map(_cells, ROWS))
    ]
    assert missing == []


def _cells(row: str) -> tuple[str, str]:
    old, _, new = row.strip("| ").partition(" | ")
    return old, new
