"""Heat maps of win rates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.charts.look import (
    LOSS_TO_WIN,
    ON_DEEP,
    ON_PALE,
    Channel,
    Row,
    Specification,
    layer,
    name,
    number,
    specification,
)

DEEP = 0.395  # so far from one half a win rate has a deep colour
_CELL_PX = {"height": 36, "width": 50}
_SLANTED = {"labelAngle": -40}


def win_rate_matrix(cells: Iterable[Row], systems: Sequence[str]) -> Specification:
    """How often each row's system is preferred to each column's. `cells` holds both directions of every pair."""
    tooltip = [
        name("system", "system"),
        name("opponent", "compared with"),
        number("win_rate", "preferred", format=".3f"),
        name("interval", "95% interval"),
        name("p", "p, Holm"),
        *(number(field, field.replace("_", " ")) for field in ("votes", "wins", "losses", "ties", "both_bad")),
    ]
    columns = name("opponent", "compared with", sort=list(systems), axis=_SLANTED)
    return _matrix(cells, systems, columns, "win_rate", tooltip, "Win rates of every pair of systems, as a heat map.")


def slice_matrix(
    cells: Iterable[Row], systems: Sequence[str], column: str, *, is_watched: bool = False
) -> Specification:
    """Win rates against all others in each slice of the votes by `column`, pooled. `cells`: one a system and slice.

    The interval is that of the pooled rate, or, in a study that is watched, that of the slice's own.
    """
    pooled, own = (
        number("pooled", "win rate, pooled", format=".3f"),
        number("raw", "of these votes alone", format=".3f"),
    )
    interval = name("interval", "95% interval")
    tooltip = [
        name("slice", column),
        name("system", "system"),
        *([pooled, own, interval] if is_watched else [pooled, interval, own]),
        number("votes", "votes"),
        name("reason", "not pooled, since"),
    ]
    slices = name("slice", column, axis=_SLANTED)
    return _matrix(cells, systems, slices, "pooled", tooltip, f"Win rates by {column}, pooled, as a heat map.")


def _matrix(
    cells: Iterable[Row],
    systems: Sequence[str],
    columns: Channel,
    value: str,
    tooltip: list[Channel],
    description: str,
) -> Specification:
    rows = name("system", None, sort=list(systems))
    scale = {"domain": [0, 0.5, 1], "range": LOSS_TO_WIN, "interpolate": "rgb"}
    ground = layer(
        {"type": "rect"}, x=columns, y=rows, color=number(value, None, scale=scale, legend=None), tooltip=tooltip
    )
    ink = {"condition": {"test": f"abs(datum.{value} - 0.5) > {DEEP}", "value": ON_DEEP}, "value": ON_PALE}
    text = {"x": columns, "y": rows, "text": number(value, None, format=".2f"), "color": ink}
    written = layer({"type": "text", "fontSize": 13}, where=f"isValid(datum.{value})", **text)
    size = {side: {"step": px} for side, px in _CELL_PX.items()}
    return specification(cells, [ground, written], description, **size)
