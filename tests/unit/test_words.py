"""The words of the package: plain English in docstrings, messages and names of modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import florentin_webhooks

PACKAGE = Path(florentin_webhooks.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))
OPENERS = {"Give", "Hold", "Say", "Be", "Let", "Have", "Tell", "Name", "Note"}
GERUNDS = {"routing", "testing", "logging", "typing", "monitoring", "processing", "formatting"}
"""Modules that the field calls so."""

FORBIDDEN = re.compile(
    r"\b((?<!there )is no (?!longer|more)|is none|told|tells?|whoever|whatever|somebody"
    r"|nobody|anew|stands|let go)\b",
    re.IGNORECASE,
)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path, node: ast.expr | ast.stmt) -> str:
    return f"{path.relative_to(PACKAGE)}:{node.lineno}"


def docstrings(tree: ast.AST) -> set[ast.Constant]:
    """Return the docstrings of modules, classes and functions, and those below a value."""
    bodies = (getattr(node, "body", None) for node in ast.walk(tree))
    statements = (each for body in bodies if isinstance(body, list) for each in body)
    values = (each.value for each in statements if isinstance(each, ast.Expr))
    return {value for value in values if isinstance(value, ast.Constant)}


def messages(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the texts that people read: strings of several words that are not docstrings."""
    constants = {node for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    for node in constants - docstrings(tree):
        if " " in str(node.value).strip():
            yield node


def test_no_docstring_opens_with_a_forbidden_word() -> None:
    wrong = [
        f"{place(path, each)}: {str(each.value).splitlines()[:1]}"
        for path in FILES
        for each in docstrings(parsed(path))
        if re.split(r"\W", str(each.value), maxsplit=1)[0] in OPENERS
        or re.match("(Do t|T)he same (?!request)", str(each.value))  # Editors show it alone.
    ]
    assert wrong == [], f"{len(wrong)} docstrings:\n" + "\n".join(wrong)


def test_no_module_is_named_with_a_gerund() -> None:
    names = {part for path in FILES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert {name for name in names if name.endswith("ing")} - GERUNDS == set()


def test_no_line_holds_a_forbidden_word() -> None:
    """Comments and docstrings, too: a word that no code of ours needs, but for a file's tell()."""
    word = re.compile(
        r"(?<![.\w])(told|tells?|whoever|whatever|somebody|nobody|anew|stands)\b(?!-)"
    )
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")]
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*FILES, *pages]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if word.search(line)
    ]
    assert wrong == [], f"{len(wrong)} lines:\n" + "\n".join(wrong)


def test_no_message_holds_a_forbidden_word() -> None:
    wrong = [
        f"{place(path, each)}: {each.value!r}"
        for path in FILES
        for each in messages(parsed(path))
        if FORBIDDEN.search(str(each.value))
    ]
    assert wrong == [], f"{len(wrong)} texts:\n" + "\n".join(wrong)
