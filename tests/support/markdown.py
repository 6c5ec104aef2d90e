"""The project's Markdown as its readers use it: blocks to run, links to follow."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_PARSER = MarkdownIt("commonmark").enable("table")


class Block(NamedTuple):
    """A fenced block; *line* is that of its first line of content."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """The place as an editor opens it."""
        return f"{self.page}:{self.line}"


class Page:
    """One Markdown file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self._tokens = _PARSER.parse(self.text)
        self.blocks = [
            Block(self.name, (token.map or [0])[0] + 2, token.info, token.content)
            for token in self._tokens
            if token.type == "fence"
        ]

    def of(self, language: str) -> list[Block]:
        return [block for block in self.blocks if block.language == language]

    def python(self) -> str:
        """Return all Python of the page as one module, each line under its own number."""
        lines = [""] * len(self.text.splitlines())
        for block in self.of("python"):
            code = block.text.splitlines()
            lines[block.line - 1 : block.line - 1 + len(code)] = code
        return "\n".join(lines) + "\n"

    def links(self) -> list[str]:
        return [str(each.attrs["href"]) for each in self._inline() if "href" in each.attrs]

    def code(self) -> list[str]:
        """Return the code in its sentences and tables, each in one line."""
        return [" ".join(t.content.split()) for t in self._inline() if t.type == "code_inline"]

    def rows(self) -> dict[str, list[str]]:
        """Return the rows of its tables by the first word of each, as plain text."""
        rows: list[list[str]] = []
        for token in self._tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline" and token.level == 4 and rows:
                rows[-1].append(_plain(token).replace("|", "/"))
        return {row[0].split(", ")[0]: row[1:] for row in rows}

    def anchors(self) -> set[str]:
        """Return the fragments that links may name, by GitHub's rules."""
        pairs = zip(self._tokens, self._tokens[1:], strict=False)
        slugs = Counter(_slug(_plain(text)) for each, text in pairs if each.type == "heading_open")
        return {f"{slug}-{n}" if n else slug for slug, times in slugs.items() for n in range(times)}

    def _inline(self) -> Iterator[Token]:
        return (child for token in self._tokens for child in token.children or ())


def write_modules(directory: Path) -> None:
    """Write the modules that the pages show under their names."""
    for block in (block for page in PAGES for block in page.of("python")):
        if named := re.match(r"# (\S+\.py)\n", block.text):
            path = directory / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)


def module_name(page: str) -> str:
    """Return a module name for the Python of *page*, so that tools name the page by it."""
    return re.sub(r"\W", "_", page.removesuffix(".md"))


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ()).strip(" *")


def _slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _ini(text: str) -> None:
    configparser.ConfigParser(interpolation=None, allow_no_value=True).read_string(text)


def _nginx(text: str) -> None:
    depth = 0
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        assert line[-1] in "{};", f"neither a statement nor a block: {line}"
        depth += line.count("{") - line.count("}")
        assert depth >= 0, f"closes what is not open: {line}"
    assert depth == 0, "a block is not closed"


def _redis(text: str) -> None:
    """Check the form of an access rule; what it grants is compared with what is executed."""
    command, *rules = text.replace("\\\n", " ").split()[1:]
    assert command == "SETUSER"
    assert all(re.match(r"[+~&>-]|on$|reset", rule) for rule in rules[1:]), rules


PARSERS: Mapping[str, Callable[[str], object]] = {
    "ini": _ini,
    "json": json.loads,
    "nginx": _nginx,
    "redis": _redis,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
"""Languages that are parsed but not run."""

PAGES = [Page(path) for path in [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]]
"""The pages that users read: those at the root and those in ``docs``."""
