"""What is computed of all votes of a study: one function for each of kinds.KINDS."""

from __future__ import annotations

from typing import Any

from analysis import table_numbers
from analysis.latency import median_latency
from analysis.stats import Summary, summarise
from analysis.stats.asked import NOTHING, Asked
from analysis.votes import vote_table
from comparisons.models import Study


def results(study: Study) -> Summary:
    return summarise(vote_table(study), asked=asked(study))


def results_with_excluded(study: Study) -> Summary:
    """As if nothing had been left out."""
    return summarise(vote_table(study, with_excluded=True), asked=asked(study))


def breakdowns(study: Study) -> dict[str, Any]:
    """Of each question how fragile its first place is, and win rates by slice; the time of one image by system."""
    return {"questions": table_numbers.breakdowns(vote_table(study)), "latency": median_latency(study)}


def asked(study: Study) -> Asked:
    """Open studies are looked at again and again: they have what stays valid then."""
    return Asked(planned_votes=planned_votes(study)) if study.state == Study.State.OPEN else NOTHING


def planned_votes(study: Study) -> int:
    """Under one question, by the design alone: it must not depend on the votes."""
    systems = study.systems.count()
    return study.votes_wanted * study.prompt_set.prompts.count() * systems * (systems - 1) // 2
