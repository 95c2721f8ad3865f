"""The charts of a study's results, each of one question or of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from analysis import charts
from analysis.filter_fields import NONE
from analysis.latency import Latency
from analysis.stats.rows import QuestionSummary, Summary, SystemRow
from analysis.vote_links import VoteLinks
from analysis.watched import Shown, ShownPair, shown_combined


class Cell(TypedDict):
    """How `system` did against `opponent`; None where the votes do not determine it."""

    system: str
    opponent: str
    win_rate: float | None
    interval: str
    p: str
    votes: int
    wins: int
    losses: int
    ties: int
    both_bad: int
    votes_url: str


@dataclass(frozen=True)
class Chart:
    id: str
    caption: str
    specification: charts.Specification

    @property
    def svg(self) -> str:
        return charts.static_svg(self.specification)


@dataclass(frozen=True)
class Facts:
    """What charts show besides the votes: the time of one image by system, and which systems differ in steps alone."""

    latency: Mapping[str, Latency]
    models: Mapping[str, tuple[str, int]]  # by system: the model and its number of steps, where others have others


def question_charts(
    key: str,
    summary: QuestionSummary,
    shown: Shown,
    facts: Facts,
    links: VoteLinks,
    breakdowns: Mapping[str, Any],
) -> Iterator[Chart]:
    names = [row["system"] for row in shown.systems]
    valid = ", which hold at every look" if shown.is_watched else ""
    if rated := [row for row in shown.systems if row["bt"] is not None]:
        yield _chart(
            f"{key}-ratings", f"Bradley–Terry ratings with 95% intervals{valid}", charts.ratings(rated), summary
        )
    cells = [cell for pair in shown.pairs for cell in both_directions(pair, links)]
    matrix = charts.win_rate_matrix(cells, names)
    yield _chart(f"{key}-win-rates", "How often the row is preferred to the column", matrix, summary)
    if timed := _timed(shown.systems, facts):
        drawing = charts.preference_against_latency(timed)
        yield _chart(f"{key}-latency", "Preference against latency", drawing, summary)
    if stepped := _stepped(shown.systems, facts):
        drawing = charts.preference_against_steps(stepped)
        yield _chart(f"{key}-steps", "Preference against steps", drawing, summary)
    for column, found in breakdowns.items():
        if not isinstance(found, str):
            slices = _slices(column, found, links, is_watched=shown.is_watched)
            drawing = charts.slice_matrix(slices, names, column)
            yield _chart(f"{key}-{column}", f"Win rate by {column}", drawing, summary)


def headline_charts(summary: Summary) -> Iterator[Chart]:
    """The means over all questions; none where there are no two questions to take a mean of."""
    questions, rows = summary["questions"].values(), shown_combined(summary)
    votes, simulated = (sum(question[name] for question in questions) for name in ("votes", "simulated_votes"))
    seen = Counter[str]()
    for question in questions:
        seen.update({row["system"]: row["votes"] for row in question["systems"]})
    if rated := [{**row, "votes": seen[row["system"]]} for row in rows if row["bt"] is not None]:
        drawn = charts.ratings(rated, "Bradley–Terry ratings over all questions")
        yield Chart("ratings", drawn["description"].rstrip("."), _labelled(drawn, votes, simulated))
    if rows and summary["headline_elo"]:
        drawn = charts.elo(_elos(summary), list(summary["headline_elo"]))
        yield Chart("elo", "Elo of each question, and their mean", _labelled(drawn, votes, simulated))


def _elos(summary: Summary) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"system": row["system"], "elo": row["elo"], "of": name}
        for name, question in summary["questions"].items()
        for row in question["systems"]
        if row["elo"] is not None
    ]
    means = summary["headline_elo"].items()
    return [*rows, *({"system": system, "elo": elo, "of": charts.MEAN} for system, elo in means)]


def both_directions(pair: ShownPair, links: VoteLinks) -> Iterator[Cell]:
    rate, low, high = pair["win_rate"], pair["low"], pair["high"]
    yield _cell(pair, ("a", "b"), (rate, low, high), links)
    yield _cell(pair, ("b", "a"), (_mirrored(rate), _mirrored(high), _mirrored(low)), links)


def _cell(
    pair: ShownPair, sides: tuple[str, str], rate: tuple[float | None, float | None, float | None], links: VoteLinks
) -> Cell:
    win_rate, low, high = rate
    names: dict[str, Any] = {**pair}
    system, opponent = (names[side] for side in sides)
    wins, losses = (names[f"{side}_wins"] for side in sides)
    return {
        "system": system,
        "opponent": opponent,
        "win_rate": win_rate,
        "interval": _interval(low, high),
        "p": _probability(pair["p_holm"]),
        "votes": pair["votes"],
        "wins": wins,
        "losses": losses,
        "ties": pair["ties"],
        "both_bad": pair["both_bad"],
        "votes_url": links.url(system=system, opponent=opponent),
    }


def _timed(systems: list[SystemRow], facts: Facts) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for row in systems:
        time = facts.latency.get(row["system"])
        if time and time["median_ms"] > 0 and row["win_rate"] is not None:
            known = {"median_ms": time["median_ms"], "latency_low": time["low_ms"], "latency_high": time["high_ms"]}
            rows.append({**row, **known})
    return rows


def _stepped(systems: list[SystemRow], facts: Facts) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for row in systems:
        if row["system"] in facts.models and row["win_rate"] is not None:
            model, steps = facts.models[row["system"]]
            rows.append({**row, "model": model, "steps": steps})
    return sorted(rows, key=lambda row: (row["model"], row["steps"]))


def _slices(column: str, found: Mapping[str, Any], links: VoteLinks, *, is_watched: bool) -> Iterator[dict[str, Any]]:
    """While a study is watched without intervals, which are for one look."""
    for row in found["slices"]:
        name = row["slice"] or NONE
        url = links.url(system=row["system"], **{column: name})
        interval = _interval(None, None) if is_watched else _interval(row["low"], row["high"])
        yield {**row, "slice": name, "interval": interval, "votes_url": url}


def _chart(name: str, caption: str, drawn: charts.Specification, summary: QuestionSummary) -> Chart:
    return Chart(name, caption, _labelled(drawn, summary["votes"], summary["simulated_votes"]))


def _labelled(drawn: charts.Specification, votes: int, simulated: int) -> charts.Specification:
    return charts.marked(drawn, f"{simulated} of {votes} votes are simulated") if simulated else drawn


def _interval(low: float | None, high: float | None) -> str:
    return "none" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _probability(p: float | None) -> str:
    if p is None:
        return "none"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _mirrored(rate: float | None) -> float | None:
    return None if rate is None else 1 - rate
