"""What the page on Django lists is what there is."""

from __future__ import annotations

import re

from florentin_webhooks.django.settings_schema import KEYS, OF_QUEUES
from tests.support.markdown import ROOT, Page

PAGE = Page(ROOT / "docs" / "django.md")


def test_every_settings_key_is_documented() -> None:
    keys = {name for name in PAGE.rows() if name.isupper() and "." not in name}
    assert keys == set(KEYS)
    assert set(OF_QUEUES) <= set(PAGE.code())


def test_every_check_is_documented() -> None:
    folder = ROOT / "florentin_webhooks" / "django"
    names = ("checks.py", "settings.py", "settings_schema.py")
    source = "".join((folder / name).read_text() for name in names)
    there = set(re.findall(r"\b[EWI]0\d\d\b", source))
    told = {name.rpartition(".")[2] for name in PAGE.rows() if name.startswith("florentin_")}
    assert told == there
