"""The tour in CONTRIBUTING.md: one page that names every room of the package."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "florentin_webhooks"
TOUR = (ROOT / "CONTRIBUTING.md").read_text().partition("## Tour\n")[2].partition("\n## ")[0]


def is_room(folder: Path) -> bool:
    """Return whether *folder* has files; one that was moved away leaves its caches behind."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return folder.name != "__pycache__" and any("__pycache__" not in file.parts for file in files)


def rooms() -> set[str]:
    """Return the modules at the root, and the folders of the first two levels with a slash."""
    modules = {path.stem for path in PACKAGE.glob("[!_]*.py")}
    folders = [*PACKAGE.glob("*/"), *PACKAGE.glob("*/*/")]
    return modules | {
        f"{each.relative_to(PACKAGE).as_posix()}/" for each in folders if is_room(each)
    }


def test_tour_names_every_room_and_no_other() -> None:
    cells = re.findall(r"^\| (`[^|]+) \|", TOUR, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    assert sorted(named) == sorted(rooms())


def test_files_that_the_tour_names_exist() -> None:
    files = re.findall(r"`([\w/.]+\.(?:py|toml))`", TOUR)
    assert files
    assert [
        file for file in files if not any((top / file).is_file() for top in (PACKAGE, ROOT))
    ] == []


def test_tour_fits_one_page() -> None:
    assert len(TOUR.splitlines()) <= 80


def test_tour_explains_what_can_be_added() -> None:
    assert re.findall(r"^\*\*Add a (\w+)\.\*\*", TOUR, re.MULTILINE) == [
        "sender",
        "store",
        "framework",
        "command",
    ]
