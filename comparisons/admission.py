"""Whether somebody new can begin in a study, and what they read where they cannot."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext as _

from comparisons import sessions
from comparisons.leases import has_room
from comparisons.models import Study


class Refusal(StrEnum):
    NOT_BEGUN = "not begun"
    FULL = "full"
    NOTHING_LEFT = "nothing left"
    CLOSED = "closed"


def refusal(study: Study) -> Refusal | None:
    """Why nobody can begin now; None where they can."""
    if study.state == Study.State.OPEN and not sessions.has_place(study):
        return Refusal.FULL
    if study.state == Study.State.OPEN and has_room(study):
        return None
    return without_pairs(study)


def without_pairs(study: Study) -> Refusal:
    """Why there is nothing to judge in it."""
    reasons = {
        Study.State.DRAFT: Refusal.NOT_BEGUN,
        Study.State.OPEN: Refusal.NOTHING_LEFT,
        Study.State.CLOSED: Refusal.CLOSED,
    }
    return reasons[Study.State(study.state)]


def sentence(refusal: Refusal) -> str:
    sentences = {
        Refusal.NOT_BEGUN: _("This study has not begun yet."),
        Refusal.FULL: _("This study has all the people that it needs. Thank you for your interest."),
        Refusal.NOTHING_LEFT: _("There is nothing to judge at the moment. Please come back later."),
        Refusal.CLOSED: _("This study is closed. Thank you for your interest."),
    }
    return sentences[refusal]
