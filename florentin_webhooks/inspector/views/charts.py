"""Small charts as the numbers of an inline SVG: bars of several series, one above the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Bar", "Chart", "build_chart"]

HEIGHT = 64
_STEP = 10
_WIDTH = 8


class Bar(NamedTuple):
    """A rectangle of the series *kind*."""

    kind: str
    x: int
    y: float
    width: int
    height: float


class Chart(NamedTuple):
    """A chart of *width* by *height* units; *most* is the highest count of one bucket."""

    title: str
    unit: str
    bars: tuple[Bar, ...]
    width: int
    height: int
    totals: Mapping[str, int]
    most: int


def build_chart(title: str, unit: str, series: Mapping[str, Sequence[int]]) -> Chart:
    """Return a chart of *series*, each of which has a count for each bucket."""
    columns = list(zip(*series.values(), strict=True))
    most = max((sum(column) for column in columns), default=0)
    bars: list[Bar] = []
    for place, column in enumerate(columns):
        top = float(HEIGHT)
        for kind, count in zip(series, column, strict=True):
            if count:
                height = round(count / most * (HEIGHT - 2), 2)
                top -= height
                bars.append(Bar(kind, place * _STEP, round(top, 2), _WIDTH, height))
    totals = {kind: sum(counts) for kind, counts in series.items()}
    return Chart(title, unit, tuple(bars), max(1, len(columns)) * _STEP, HEIGHT, totals, most)
