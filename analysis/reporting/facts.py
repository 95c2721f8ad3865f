"""What a report says besides results and images, as JSON: it takes every vote, so a worker counts it."""

from __future__ import annotations

from typing import TypedDict

from analysis.reporting.rater_facts import RaterFacts, rater_facts
from analysis.reporting.sensitivity import Standing, with_ties_otherwise
from analysis.votes import vote_table
from comparisons.models import Study


class Facts(TypedDict):
    raters: RaterFacts
    ties_otherwise: dict[str, list[Standing]]


def facts(study: Study) -> Facts:
    return {"raters": rater_facts(study), "ties_otherwise": with_ties_otherwise(vote_table(study))}
