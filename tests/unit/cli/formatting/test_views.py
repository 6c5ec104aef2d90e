"""Text of views cannot steer a terminal."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.formatting.views import Styled, printable


@pytest.mark.parametrize(
    ("text", "shown"), [("a\x1b[2Jb", "a?[2Jb"), ("a\rb\x07", "a?b?"), ("ä\nb", "ä\nb")]
)
def test_control_characters_are_replaced(text: str, shown: str) -> None:
    assert printable(text) == printable(Styled(text, "red")) == shown
