"""A study's results in the shape that pages and reports show: rows and charts, one block a question."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.result_charts import Chart, Facts, question_charts
from analysis.stats.rows import AgreementRow, CombinedRow, PositionBias, QuestionSummary, Summary, SystemRow
from analysis.vote_links import VoteLinks
from analysis.watched import ShownPair, shown, shown_combined
from comparisons.models import Question, Study


class LinkedPair(ShownPair):
    votes_url: str  # of the page with its votes


@dataclass(frozen=True)
class QuestionResult:
    question: Question
    votes: int
    votes_url: str  # of the page with them, to which filters can be added
    raters: int
    prompts: int
    ties: int
    both_bad: int
    position_bias: PositionBias
    agreement: AgreementRow
    effective_votes: float | None
    effective_prompts: float
    effective_raters: float
    is_watched: bool
    leader: str
    verdict: str
    leaderboard: list[SystemRow]
    pairs: list[LinkedPair]
    charts: list[Chart]
    fragility: list[str]
    warnings: list[str]


class HeadlineRow(CombinedRow):
    """A system over all questions: the means of its ratings, None where it has not one under each."""

    elo: float | None


def hidden(study: Study) -> str:
    """Why its results are not shown yet; empty where they are."""
    if not study.hides_results:
        return ""
    return "The results of this study are hidden until it is closed: its design says hide_results_until_closed."


def question_results(
    study: Study, summary: Summary, more: Mapping[str, Any], *, with_excluded: bool = False
) -> list[QuestionResult]:
    """One block for each question that has votes, in the study's order.

    `more` are the numbers of the kind "breakdowns"; `with_excluded` says whose the votes are that numbers lead to.
    """
    facts = Facts(more["latency"], _models(study))
    found, parts = summary["questions"], more["questions"]

    def links(question: Question) -> VoteLinks:
        return VoteLinks(study.slug, question.key, with_excluded)

    return [
        _question_result(question, found[question.key], facts, links(question), parts.get(question.key, {}))
        for question in study.ordered_questions
        if question.key in found
    ]


def headline(summary: Summary) -> list[HeadlineRow]:
    """Best first; empty where there are no two questions to take a mean of."""
    return [{**row, "elo": summary["headline_elo"].get(row["system"])} for row in shown_combined(summary)]


def _models(study: Study) -> dict[str, tuple[str, int]]:
    """Of the systems that differ from another in nothing but their steps: its name, and how many steps it takes."""
    specs = [system.parsed_spec() for system in study.systems.order_by("slug")]
    keys = {spec.slug: json.dumps({**spec.as_dict(), "steps": 0}, sort_keys=True) for spec in specs}
    sizes = Counter(keys.values())
    return {spec.slug: (spec.name, spec.steps) for spec in specs if sizes[keys[spec.slug]] > 1}


def _question_result(
    question: Question, summary: QuestionSummary, facts: Facts, links: VoteLinks, parts: Mapping[str, Any]
) -> QuestionResult:
    now = shown(summary)
    drawn = question_charts(question.key, summary, now, facts, links, parts.get("breakdowns", {}))
    return QuestionResult(
        question=question,
        votes=summary["votes"],
        votes_url=links.url(),
        raters=summary["raters"],
        prompts=summary["prompts"],
        ties=sum(pair["ties"] for pair in summary["pairs"]),
        both_bad=sum(pair["both_bad"] for pair in summary["pairs"]),
        position_bias=now.position_bias,
        agreement=summary["agreement"],
        effective_votes=summary["effective_votes"],
        effective_prompts=summary["effective_prompts"],
        effective_raters=summary["effective_raters"],
        is_watched=now.is_watched,
        leader=now.leader,
        verdict=now.verdict,
        leaderboard=now.systems,
        pairs=[LinkedPair(**pair, votes_url=links.url(system=pair["a"], opponent=pair["b"])) for pair in now.pairs],
        charts=list(drawn),
        fragility=list(_fragility(parts.get("fragility", {}))),
        warnings=summary["warnings"],
    )


def _fragility(found: Mapping[str, Any]) -> Iterator[str]:
    """One sentence each, by vote and by rater."""
    for unit, part in found.items():
        if isinstance(part, str):
            continue
        if part["number"] is None:
            yield f"{part['conclusion']}: leaving out no {unit}s was found that changes it."
            continue
        removed = f"{part['number']} {unit}{'' if part['number'] == 1 else 's'} ({part['share']:.1%} of the votes)"
        whom = f"puts {part['overtaken_by']} level or above" if part["overtaken_by"] else "changes that"
        surely = "" if part["is_exact"] else " Fewer might do."
        yield f"{part['conclusion']}: leaving out {removed} {whom}.{surely}"
