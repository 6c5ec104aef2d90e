"""The tests themselves: found by their module's name, short names, few helpers."""

from __future__ import annotations

import re
from pathlib import Path

import florentin_webhooks

PACKAGE = Path(florentin_webhooks.__file__).parent
TESTS = Path(__file__).parents[1]
NAMED = {path.stem for path in TESTS.rglob("test_*.py")}


def lines(paths: set[Path]) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def test_most_modules_have_a_test_file_of_their_name() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if not path.stem.startswith("__")]
    modules = [path for path in paths if path.parent.name != "migrations"]
    missing = [path for path in modules if f"test_{path.stem}" not in NAMED]
    listed = "\n".join(sorted(str(path.relative_to(PACKAGE)) for path in missing))
    assert len(missing) <= 0.3 * len(modules), f"{len(missing)} of {len(modules)}:\n{listed}"


def test_helpers_are_a_small_share_of_the_test_lines() -> None:
    # Programs that are test data: right and wrong ones, and those that left deliveries behind.
    kinds = ("typing/*.py", "compatibility/left_behind/*.py", "compatibility/left_behind_*.py")
    cases = {path for kind in kinds for path in TESTS.glob(kind)}
    files = {*TESTS.rglob("*.py")}
    helpers = {path for path in files - cases if not path.name.startswith("test_")}
    assert lines(helpers) <= 0.15 * lines(files), f"{lines(helpers)} of {lines(files)} lines"


def test_names_of_tests_have_at_most_ten_words() -> None:
    name = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    names = {found for text in texts for found in name.findall(text)}
    assert {found for found in names if found.count("_") > 10} == set()
