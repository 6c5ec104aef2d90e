"""Headers that were gone through once are found as in the headers themselves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from florentin_webhooks.protocol.headers import HeaderMap, get_all

WANTED = ("x-florentin-event", "content-length")
NAMES = st.sampled_from([*WANTED, "X-Florentin-Event", "X-FLORENTIN-EVENT", "host", "é", "K", ""])
VALUES = st.text(st.characters(codec="latin-1"), max_size=5)
PAIRS = st.lists(st.tuples(NAMES, VALUES, st.booleans(), st.booleans()), max_size=6)


@given(PAIRS)
def test_header_map_returns_the_same_values_as_get_all(
    pairs: list[tuple[str, str, bool, bool]],
) -> None:
    headers = [
        (
            name.encode() if name_in_bytes else name,
            value.encode("latin-1") if value_in_bytes else value,
        )
        for name, value, name_in_bytes, value_in_bytes in pairs
    ]
    for name in WANTED:
        expected = [value.strip(" \t") for each, value, _, _ in pairs if each.lower() == name]
        assert get_all(headers, name) == get_all(HeaderMap(headers), name) == expected
        assert HeaderMap(headers).get_each(name) == [expected]
        found = HeaderMap(headers).find([name.encode()])
        assert found is None or found == ([*expected, None][:1])
        assert found is not None or len(pairs) > 1  # Only where a header comes twice.
