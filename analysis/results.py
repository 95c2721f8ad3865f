"""A study's results in the shape that pages and reports show: rows and charts, one block a question."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

from analysis import charts
from analysis.stats.rows import AgreementRow, PairRow, PositionBias, QuestionSummary, Summary, SystemRow
from comparisons.models import Question, Study
from comparisons.studies import image_jobs
from generation.models import Image

_CAPTIONS = {
    "ratings": "Bradley–Terry ratings with 95% intervals",
    "win-rates": "How often the row is preferred to the column",
    "latency": "Preference against latency",
}


class Cell(TypedDict):
    """How `system` did against `opponent`; None where the votes do not determine it."""

    system: str
    opponent: str
    win_rate: float | None
    interval: str
    votes: int
    ties: int
    both_bad: int


@dataclass(frozen=True)
class Chart:
    id: str
    caption: str
    specification: charts.Specification

    @property
    def svg(self) -> str:
        return charts.static_svg(self.specification)


@dataclass(frozen=True)
class QuestionResult:
    question: Question
    votes: int
    raters: int
    prompts: int
    both_bad: int
    position_bias: PositionBias
    agreement: AgreementRow
    effective_votes: float | None
    leaderboard: list[SystemRow]
    pairs: list[PairRow]
    charts: list[Chart]
    warnings: list[str]


@dataclass(frozen=True)
class HeadlineRow:
    system: str
    elo: float


def question_results(study: Study, summary: Summary) -> list[QuestionResult]:
    """One block for each question that has votes, in the study's order."""
    latency = median_latency_ms(study)
    found = summary["questions"]
    return [
        _question_result(question, found[question.key], latency)
        for question in study.questions.order_by("position")
        if question.key in found
    ]


def headline(summary: Summary) -> list[HeadlineRow]:
    """The mean of the questions' Elos, best first; empty where there are no two questions to take a mean of."""
    rows = summary["headline_elo"].items() if len(summary["questions"]) > 1 else ()
    return [HeadlineRow(system, elo) for system, elo in rows]


def headline_chart(summary: Summary) -> Chart | None:
    """Elo of every question, and their mean."""
    mean = headline(summary)
    if not mean:
        return None
    votes = sum(question["votes"] for question in summary["questions"].values())
    simulated = sum(question["simulated_votes"] for question in summary["questions"].values())
    rows: list[dict[str, object]] = [
        {"system": row["system"], "elo": row["elo"], "of": name}
        for name, question in summary["questions"].items()
        for row in question["systems"]
        if row["elo"] is not None
    ]
    rows += [{"system": row.system, "elo": row.elo, "of": charts.MEAN} for row in mean]
    drawn = charts.elo(rows, [row.system for row in mean])
    return Chart("elo", "Elo of each question, and their mean", _labelled(drawn, votes, simulated))


def median_latency_ms(study: Study) -> dict[str, float]:
    """By system, over all its images whose time is known: the whole time of one image, loading left out."""
    times: dict[str, list[float]] = {}
    images = Image.objects.filter(job__in=image_jobs(study))
    for system, total_ms in images.values_list("job__system__slug", "total_ms"):
        if total_ms is not None:
            times.setdefault(system, []).append(total_ms)
    return {system: statistics.median(values) for system, values in times.items()}


def _question_result(question: Question, summary: QuestionSummary, latency: dict[str, float]) -> QuestionResult:
    return QuestionResult(
        question=question,
        votes=summary["votes"],
        raters=summary["raters"],
        prompts=summary["prompts"],
        both_bad=sum(pair["both_bad"] for pair in summary["pairs"]),
        position_bias=summary["position_bias"],
        agreement=summary["agreement"],
        effective_votes=summary["effective_votes"],
        leaderboard=summary["systems"],
        pairs=summary["pairs"],
        charts=list(_charts(question.key, summary, latency)),
        warnings=summary["warnings"],
    )


def _charts(key: str, summary: QuestionSummary, latency: dict[str, float]) -> Iterator[Chart]:
    rows = summary["systems"]
    cells = [cell for pair in summary["pairs"] for cell in _both_directions(pair)]
    rated = [row for row in rows if row["bt"] is not None]
    timed = [
        {**row, "median_ms": latency[row["system"]]}
        for row in rows
        if row["win_rate"] is not None and latency.get(row["system"], 0) > 0
    ]
    drawings = {"win-rates": charts.win_rate_matrix(cells, [row["system"] for row in rows])}
    if rated:
        drawings = {"ratings": charts.ratings(rated)} | drawings
    if timed:
        drawings["latency"] = charts.preference_against_latency(timed)
    for name, drawn in drawings.items():
        yield Chart(f"{key}-{name}", _CAPTIONS[name], _labelled(drawn, summary["votes"], summary["simulated_votes"]))


def _labelled(drawn: charts.Specification, votes: int, simulated: int) -> charts.Specification:
    return charts.marked(drawn, f"{simulated} of {votes} votes are simulated") if simulated else drawn


def _both_directions(pair: PairRow) -> Iterator[Cell]:
    rate, low, high = pair["win_rate"], pair["low"], pair["high"]
    yield _cell(pair, pair["a"], pair["b"], rate, low, high)
    yield _cell(pair, pair["b"], pair["a"], _mirrored(rate), _mirrored(high), _mirrored(low))


def _cell(
    pair: PairRow, system: str, opponent: str, win_rate: float | None, low: float | None, high: float | None
) -> Cell:
    return {
        "system": system,
        "opponent": opponent,
        "win_rate": win_rate,
        "interval": "none" if low is None or high is None else f"{low:.3f} to {high:.3f}",
        "votes": pair["votes"],
        "ties": pair["ties"],
        "both_bad": pair["both_bad"],
    }


def _mirrored(rate: float | None) -> float | None:
    return None if rate is None else 1 - rate
