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
from analysis.watched import Shown, ShownPair, first_over_questions, shown_combined, shown_slice

VALID = "hold at every look"


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

    def chart(name: str, caption: str, drawn: charts.Specification, watched: str) -> Chart:
        """`watched` is what to say of its intervals while the study is open."""
        return _chart(f"{key}-{name}", caption + (watched if shown.is_watched else ""), drawn, summary)

    if rated := [row for row in shown.systems if row["bt"] is not None]:
        caption = "Bradley–Terry ratings with 95% intervals"
        yield chart("ratings", caption, charts.ratings(rated), f", which {VALID}")
    cells = [cell for pair in shown.pairs for cell in both_directions(pair, links)]
    matrix = charts.win_rate_matrix(cells, names)
    yield chart("win-rates", "How often the row is preferred to the column", matrix, f"; intervals and p {VALID}")
    if timed := _timed(shown.systems, facts):
        drawing = charts.preference_against_latency(timed)
        yield chart("latency", "Preference against latency", drawing, f"; intervals of win rates {VALID}")
    if stepped := _stepped(shown.systems, facts):
        drawing = charts.preference_against_steps(stepped)
        yield chart("steps", "Preference against steps", drawing, f"; intervals of win rates {VALID}")
    for column, found in breakdowns.items():
        if not isinstance(found, str):
            drawing = charts.slice_matrix(
                _slices(column, found, links, shown), names, column, is_watched=shown.is_watched
            )
            yield chart(
                column, f"Win rate by {column}", drawing, f"; intervals are of a slice’s own votes, and {VALID}"
            )


def headline_charts(summary: Summary) -> Iterator[Chart]:
    """The means over all questions; none where there are no two questions to take a mean of."""
    questions, rows = summary["questions"].values(), shown_combined(summary)
    votes, simulated = (sum(question[name] for question in questions) for name in ("votes", "simulated_votes"))
    seen = Counter[str]()
    for question in questions:
        seen.update({row["system"]: row["votes"] for row in question["systems"]})
    if rated := [{**row, "votes": seen[row["system"]]} for row in rows if row["bt"] is not None]:
        drawn = charts.ratings(rated, "Bradley–Terry ratings over all questions")
        _, verdict = first_over_questions(summary)
        is_watched = verdict and any(row["bt_low"] is not None for row in rated)
        caption = drawn["description"].rstrip(".") + (f", which {VALID}" if is_watched else "")
        yield Chart("ratings", caption, _labelled(drawn, votes, simulated))
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


def _slices(column: str, found: Mapping[str, Any], links: VoteLinks, now: Shown) -> Iterator[dict[str, Any]]:
    for row in (shown_slice(now, column, each) for each in found["slices"]):
        name = row["slice"] or NONE
        url = links.url(system=row["system"], **{column: name})
        yield {**row, "slice": name, "interval": _interval(row["low"], row["high"]), "votes_url": url}


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
