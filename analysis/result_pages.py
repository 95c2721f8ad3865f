"""What the page of a study's results shows."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from analysis import snapshots
from analysis.activity import MadeElsewhere, made_elsewhere
from analysis.ages import age_of_all
from analysis.computing import ComputedElsewhere, compute
from analysis.result_charts import Chart, headline_charts
from analysis.results import HeadlineRow, QuestionResult, headline, question_results
from analysis.snapshots import Newest
from analysis.stats import Summary
from analysis.votes import excluded_counts
from analysis.watched import first_over_questions
from comparisons.models import Matchup, Study

logger = logging.getLogger(__name__)

AT_ONCE = 10_000
"""So many votes are computed within a request, when somebody asks for it; more take a worker or a command."""

NO_BREAKDOWNS: dict[str, Any] = {"questions": {}, "latency": {}}


@dataclass(frozen=True)
class ResultsPage:
    study: Study
    found: dict[str, Newest]
    with_excluded: bool
    excluded_raters: int
    excluded_answers: int
    elsewhere: MadeElsewhere | None
    questions: list[QuestionResult]
    headline: list[HeadlineRow]
    headline_charts: list[Chart]
    leader: str  # over all questions, while the study is open
    verdict: str
    warnings: list[str]

    @property
    def charts(self) -> list[Chart]:
        return [*self.headline_charts, *(chart for result in self.questions for chart in result.charts)]

    @property
    def is_watched(self) -> bool:
        return any(result.is_watched for result in self.questions)


def kinds_of(with_excluded: bool) -> tuple[str, ...]:
    """Of the stored numbers, those that the page shows; slices are always without what is excluded."""
    return ("results-with-excluded", "activity") if with_excluded else ("results", "breakdowns", "activity")


def results_page(study: Study, *, with_excluded: bool) -> ResultsPage:
    shown = kinds_of(with_excluded)
    found = snapshots.newest_of(study, shown)
    summary: Summary | None = found[shown[0]].content
    leader, verdict = first_over_questions(summary) if summary else ("", "")
    more = (found["breakdowns"].content if "breakdowns" in found else None) or NO_BREAKDOWNS
    return ResultsPage(
        study=study,
        found=found,
        with_excluded=with_excluded,
        **excluded_counts(study),
        elsewhere=made_elsewhere(found["activity"].content),
        questions=question_results(study, summary, more, with_excluded=with_excluded) if summary else [],
        headline=headline(summary) if summary else [],
        headline_charts=list(headline_charts(summary)) if summary else [],
        leader=leader,
        verdict=verdict,
        warnings=summary["warnings"] if summary else [],
    )


def may_compute_at_once(study: Study) -> bool:
    return judgements(study) <= AT_ONCE


def compute_at_once(study: Study, *, with_excluded: bool) -> str:
    """Compute what the page shows, here and now; return the sentence that says how it went."""
    if not may_compute_at_once(study):
        return (
            f"More than {AT_ONCE:,} votes take too long for a page. "
            f"Start a worker (make worker), or run: python manage.py compute_results {study.slug}"
        )
    for kind in kinds_of(with_excluded):
        try:
            compute(study, kind)
        except ComputedElsewhere:
            return "A worker is computing them at this moment."
        except Exception:  # the page says which: it is stored with the numbers
            logger.exception("%s: no %s", study.slug, kind)
            return "The results could not be computed."
    return "The results have been computed."


def judgements(study: Study) -> int:
    """From a few rows of counters; open leases count too."""
    shown = Matchup.objects.filter(question__study=study).aggregate(
        n=Sum("a_left", default=0) + Sum("b_left", default=0)
    )
    return int(shown["n"])


def chart_named(page: ResultsPage, name: str) -> Chart | None:
    return next((chart for chart in page.charts if chart.id == name), None)


def page_context(page: ResultsPage) -> dict[str, Any]:
    return {
        **_age(page.study, page.found, page.with_excluded),
        "page": page,
        "has_votes": judgements(page.study) > 0,
        "charts": {chart.id: chart.specification for chart in page.charts},
    }


def age_context(study: Study, *, with_excluded: bool) -> dict[str, Any]:
    """Of the notice alone."""
    return _age(study, snapshots.newest_of(study, kinds_of(with_excluded)), with_excluded)


def _age(study: Study, found: dict[str, Newest], with_excluded: bool) -> dict[str, Any]:
    age = age_of_all(list(found.values()))
    return {
        "study": study,
        "age": age,
        "renewed_at": max((each.computed_at for each in found.values() if each.computed_at), default=None),
        "with_excluded": with_excluded,
        "may_compute": age.is_stale and may_compute_at_once(study),
    }
