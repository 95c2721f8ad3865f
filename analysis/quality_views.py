"""Whether a study's answers can be trusted."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis import snapshots
from analysis.ages import age_of_all
from analysis.charts import answer_times
from analysis.quality import exclusions
from analysis.quality_pages import by_question, tables, times
from comparisons.models import Study
from people.rights import ResearcherRequest, Right, needs


@require_safe
@needs(Right.SEE_RESULTS)
def study_quality(request: ResearcherRequest, study: Study) -> HttpResponse:
    newest = list(snapshots.newest_of(study, ["quality", "results", "results-with-excluded"]).values())
    found, *results = newest
    kept, everything = (result.content for result in results)
    rows = times(found.content) if found.content else []
    context = {
        "study": study,
        "found": found,
        "age": age_of_all(newest),
        "exclusions": exclusions(study),
        "charts": {"answer-times": answer_times(rows)} if rows else {},
        **(tables(found.content) if found.content else {}),
        **(by_question(kept, everything) if kept else {}),
    }
    return render(request, "analysis/study_quality.html", context)
