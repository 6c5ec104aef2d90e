"""What the page on Django lists is what there is."""

from __future__ import annotations

import re

from florentin_webhooks.django.settings import KEYS, QUEUE_KEYS
from tests.support.markdown import ROOT, Page

PAGE = Page(ROOT / "docs" / "django.md")


def test_keys_of_the_page_exist() -> None:
    keys = {name for name in PAGE.rows() if name.isupper() and "." not in name}
    assert keys == {"SECRETS", "STORE", "DATABASE", "QUEUE"}
    assert keys < set(KEYS.fields)
    assert set(QUEUE_KEYS.fields) <= set(PAGE.code())


def test_every_check_is_documented() -> None:
    folder = ROOT / "florentin_webhooks" / "django"
    names = ("checks.py", "settings.py")
    source = "".join((folder / name).read_text() for name in names)
    there = set(re.findall(r"\b[EWI]0\d\d\b", source))
    reported = {name.rpartition(".")[2] for name in PAGE.rows() if name.startswith("florentin_")}
    assert reported == there
