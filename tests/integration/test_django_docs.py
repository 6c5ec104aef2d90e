"""What the page on Django lists is what there is."""

from __future__ import annotations

import re

from florentin_webhooks.django.options import _KEYS, _QUEUE_KEYS
from tests.helpers.markdown import ROOT, Page

PAGE = Page(ROOT / "docs" / "django.md")


def test_every_key_of_the_settings_stands_in_the_table() -> None:
    keys = {name for name in PAGE.rows() if name.isupper() and "." not in name}
    assert keys == set(_KEYS)
    assert set(_QUEUE_KEYS) <= set(PAGE.code())


def test_every_check_stands_in_the_table() -> None:
    folder = ROOT / "florentin_webhooks" / "django"
    source = (folder / "checks.py").read_text() + (folder / "options.py").read_text()
    there = set(re.findall(r"\b[EWI]0\d\d\b", source))
    told = {name.rpartition(".")[2] for name in PAGE.rows() if name.startswith("florentin_")}
    assert told == there
