"""Studies with votes, and the pages of their results."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command

from comparisons.models import Study
from tests.analysis.votes import cast_votes
from tests.factories import make_open_study


def study_with_votes(**changes: Any) -> Study:
    study = make_open_study(**changes)
    study.prompt_set.prompts.filter(position__lt=2).update(category="Places")
    cast_votes(study, raters=10, each=12)
    return study


def larger_study(**changes: Any) -> Study:
    """With so many prompts and raters that even what holds at every look has intervals, also in half of the prompts."""
    study = make_open_study(texts=[f"a fox with {number} tails" for number in range(14)], **changes)
    study.prompt_set.prompts.filter(position__lt=7).update(category="Places")
    cast_votes(study, raters=10, each=40)
    return study


def computed(study: Study) -> str:
    """Its page, with all that it shows computed."""
    call_command("compute_results", study.slug)
    return f"/studies/{study.slug}/results/"
