"""Read the project's Markdown the way its readers use it: blocks to run, links to follow."""

from __future__ import annotations

import configparser
import json
import re
import textwrap
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGES", "PARSERS", "ROOT", "Block", "Page", "module_name"]

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[^\s`]*)(?P<rest>.*)")
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"#{1,6} +(?P<title>.*?)(?: +#+)? *")
_CODE = re.compile(r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)", re.DOTALL)


class Block(NamedTuple):
    """A fenced block; *line* is that of its first line of content."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, as an editor opens it."""
        return f"{self.page}:{self.line}"


class Page:
    """One Markdown file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self.blocks, self._prose = _split(self.name, self.text)

    def of(self, language: str) -> list[Block]:
        """The blocks in *language*."""
        return [block for block in self.blocks if block.language == language]

    def python(self) -> str:
        """All Python of the page as one module, each line under the number that it has here."""
        lines = [""] * len(self.text.splitlines())
        for block in self.of("python"):
            code = block.text.splitlines()
            lines[block.line - 1 : block.line - 1 + len(code)] = code
        return "\n".join(lines) + "\n"

    def links(self) -> list[str]:
        """Where its links lead."""
        return _LINK.findall(_CODE.sub("", "\n".join(self._prose)))

    def code(self) -> list[str]:
        """What stands in backticks within sentences and tables, in one line each."""
        found = _CODE.finditer("\n".join(self._prose))
        return [" ".join(match["code"].split()) for match in found]

    def rows(self) -> dict[str, list[str]]:
        """The rows of its tables by the first thing in backticks in each, without the backticks."""
        cells = [_cells(line) for line in self._prose if line.startswith("|")]
        return {row[0].split(", ")[0]: row[1:] for row in cells}

    def anchors(self) -> set[str]:
        """What links may name behind a ``#``, by GitHub's rules."""
        headings = filter(None, map(_HEADING.fullmatch, self._prose))
        slugs = Counter(_slug(heading["title"]) for heading in headings)
        return {f"{slug}-{n}" if n else slug for slug, times in slugs.items() for n in range(times)}


def module_name(page: str) -> str:
    """A module name for the Python of *page*, so that tools can name the page by it."""
    return re.sub(r"\W", "_", page.removesuffix(".md"))


def _split(page: str, text: str) -> tuple[list[Block], list[str]]:
    """The fenced blocks of *text*, and its lines with those blocks emptied."""
    blocks: list[Block] = []
    prose: list[str] = []
    numbered = iter(enumerate(text.splitlines(), 1))
    for number, line in numbered:
        opening = _FENCE.fullmatch(line)
        if opening is None:
            prose.append(line)
            continue
        assert not opening["rest"].strip(), f"{page}:{number}: more than a language: {line}"
        content = list(
            takewhile(partial(_is_inside, opening["fence"]), map(itemgetter(1), numbered))
        )
        prose += [""] * (len(content) + 2)
        code = textwrap.dedent("".join(f"{each}\n" for each in content))
        blocks.append(Block(page, number + 1, opening["language"], code))
    return blocks, prose


def _is_inside(fence: str, line: str) -> bool:
    return not line.strip().startswith(fence) or bool(line.strip().strip(fence[0]))


def _cells(line: str) -> list[str]:
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", line.replace(r"\|", "/"))
    return [cell.strip() for cell in plain.strip("| ").split("|")]


def _slug(title: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def _ini(text: str) -> None:
    configparser.ConfigParser(interpolation=None, allow_no_value=True).read_string(text)


def _nginx(text: str) -> None:
    """Statements that end, in blocks that end."""
    depth = 0
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        assert line[-1] in "{};", f"neither a statement nor a block: {line}"
        depth += line.count("{") - line.count("}")
        assert depth >= 0, f"closes what is not open: {line}"
    assert depth == 0, "a block is not closed"


PARSERS: Mapping[str, Callable[[str], object]] = {
    "ini": _ini,
    "json": json.loads,
    "nginx": _nginx,
    "toml": tomllib.loads,
}
"""Languages that are read and not run."""

PAGES = [Page(path) for path in [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]]
"""What users read: the pages at the top and those in ``docs``."""
