"""Raters as a researcher sees them: how each answered, what is left out and why, which pairs were reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Q

from analysis.votes import excluded_counts
from comparisons.conduct import Conduct, conducts
from comparisons.extras import passing
from comparisons.models import Assignment, Exclusion, Rater, RaterSession, Report, Study, Vote
from comparisons.rules import breaches_of

RATERS_PER_PAGE = 25  # whose answers are compared with those of all who judged the same pairs
ANSWERS_PER_PAGE = 100
_COMPARISON = "assignment__comparison__"
_IMAGES = (f"{_COMPARISON}image_a", f"{_COMPARISON}image_b", "assignment__stand_in")
_SYSTEMS = tuple(f"{image}__job__system" for image in _IMAGES)
_SHOWN = ("superseded_by", f"{_COMPARISON}question", f"{_IMAGES[0]}__job__prompt", *_SYSTEMS)
_LONG = tuple(f"{image}__{field}" for image in _IMAGES for field in ("environment", "forward_ms"))


@dataclass(frozen=True)
class RaterRow:
    session: RaterSession
    conduct: Conduct
    exclusion: Exclusion | None
    breaches: list[str]  # of the rules, whether or not somebody has restored the rater

    @property
    def is_simulated(self) -> bool:
        return self.session.rater.kind == Rater.Kind.SIMULATED

    @property
    def left_share(self) -> float | None:
        sides = self.conduct.sides
        decided = sides["left"] + sides["right"]
        return sides["left"] / decided if decided else None

    @property
    def agreement(self) -> float | None:
        return self.conduct.agreed / self.conduct.compared if self.conduct.compared else None


@dataclass(frozen=True)
class AnswerRow:
    """One answer as it was given, with what it was about."""

    number: int
    vote: Vote
    assignment: Assignment
    kind: str  # empty for a judgement
    left: str
    right: str
    is_right: bool | None  # of a check
    is_superseded: bool
    exclusion: Exclusion | None
    rater_exclusion: Exclusion | None


def rater_page(study: Study, number: str | None) -> tuple[Page[RaterSession], list[RaterRow]]:
    """One page of the study's raters, the latest first."""
    sessions = RaterSession.objects.filter(study=study).select_related("rater").order_by("-id")
    page = Paginator(sessions, RATERS_PER_PAGE).get_page(number)
    found = conducts(study, [session.id for session in page])
    live = {row.session_id: row for row in Exclusion.objects.filter(session__study=study, revoked_at=None)}
    rows = [_row(session, found.get(session.id), live.get(session.id), study) for session in page]
    return page, rows


def rater_row(session: RaterSession) -> RaterRow:
    live = Exclusion.objects.filter(session=session, revoked_at=None).first()
    return _row(session, conducts(session.study, [session.id]).get(session.id), live, session.study)


def _row(session: RaterSession, conduct: Conduct | None, exclusion: Exclusion | None, study: Study) -> RaterRow:
    conduct = conduct or Conduct(session.id)
    whole = [breach for breach in breaches_of(conduct, study.protocol.rules) if breach.vote_id is None]
    return RaterRow(session, conduct, exclusion, [breach.reason for breach in whole])


def answer_page(session: RaterSession, number: str | None) -> tuple[Page[int], list[AnswerRow]]:
    """One page of all that this session answered, practice and answers taken back included, in their order."""
    ids = Vote.objects.filter(assignment__session=session).order_by("id").values_list("id", flat=True)
    page = Paginator(ids, ANSWERS_PER_PAGE).get_page(number)
    return page, answer_rows(session.study, list(page), first=page.start_index())


def answer_rows(study: Study, ids: Sequence[int], first: int = 1) -> list[AnswerRow]:
    """In the order of the ids, numbered from `first`."""
    votes = {vote.id: vote for vote in Vote.objects.filter(id__in=ids).select_related(*_SHOWN).defer(*_LONG)}
    live = Exclusion.objects.filter(revoked_at=None)
    of_votes = {row.vote_id: row for row in live.filter(vote__in=ids)}
    sessions = {vote.assignment.session_id for vote in votes.values()}
    of_sessions = {row.session_id: row for row in live.filter(session__in=sessions)}
    return [
        _answer(number, vote, study, of_votes.get(vote.id), of_sessions.get(vote.assignment.session_id))
        for number, vote in enumerate((votes[each] for each in ids), start=first)
    ]


def _answer(
    number: int, vote: Vote, study: Study, exclusion: Exclusion | None, of_rater: Exclusion | None
) -> AnswerRow:
    assignment = vote.assignment
    comparison = assignment.comparison
    comparison.question.study = study
    other = assignment.stand_in or comparison.image_b
    shown = [_shown(comparison.image_a.job.system.slug), _shown(other.job.system.slug, assignment.kind)]
    left, right = shown if assignment.a_is_left else shown[::-1]
    right_answers = passing(assignment)
    return AnswerRow(
        number=number,
        vote=vote,
        assignment=assignment,
        kind="practice" if assignment.is_practice else assignment.kind.replace("judgement", ""),
        left=left,
        right=right,
        is_right=vote.outcome in right_answers if right_answers else None,
        is_superseded=hasattr(vote, "superseded_by"),
        exclusion=exclusion,
        rater_exclusion=of_rater,
    )


def _shown(system: str, kind: str = "") -> str:
    notes = {Assignment.Kind.CORRUPTED: "spoilt", Assignment.Kind.MISMATCHED: "of another prompt"}
    note = notes.get(Assignment.Kind(kind)) if kind else None
    return f"{system}, {note}" if note else system


def history(session: RaterSession) -> list[tuple[Exclusion, int | None]]:
    """All exclusions of this session and of its votes, revoked ones too, the latest first; of a vote with its number
    among the session's answers.
    """
    answers = Vote.objects.filter(assignment__session=session).order_by("id").values_list("id", flat=True)
    numbers = {vote_id: number for number, vote_id in enumerate(answers, start=1)}
    mine = Exclusion.objects.filter(Q(session=session) | Q(vote__assignment__session=session))
    found = mine.select_related("created_by", "revoked_by").order_by("-id")
    return [(exclusion, numbers.get(exclusion.vote_id or 0)) for exclusion in found]


def reports(study: Study) -> list[Report]:
    related = ["comparison__question", "comparison__image_a__job__prompt"]
    related += [f"comparison__{image}__job__system" for image in ("image_a", "image_b")]
    found = Report.objects.filter(assignment__session__study=study)
    return list(found.select_related(*(f"assignment__{name}" for name in related)).order_by("-id"))


def totals(study: Study) -> dict[str, int]:
    return {"raters": study.sessions.count(), **excluded_counts(study)}
