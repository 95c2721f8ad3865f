"""Raters as a researcher sees them: how each answered, what is left out and why, which pairs were reported."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from analysis.votes import excluded_counts
from comparisons.conduct import Conduct, conducts
from comparisons.extras import passing
from comparisons.imported_raters import PLATFORM
from comparisons.models import Assignment, Exclusion, Rater, RaterSession, Report, Study, Vote
from comparisons.rules import breaches_of

RATERS_PER_PAGE = 25
ANSWERS_PER_PAGE = 100
REPORTS_PER_PAGE = 50
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
    is_restored: bool  # by a person, whatever the rules say
    is_compared: bool  # with the others: False until their agreement has been computed

    @property
    def is_simulated(self) -> bool:
        return self.session.rater.kind == Rater.Kind.SIMULATED

    @property
    def is_imported(self) -> bool:
        return self.session.rater.platform == PLATFORM

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
    is_right: bool | None  # of practice and checks
    is_superseded: bool
    exclusion: Exclusion | None
    rater_exclusion: Exclusion | None


def rater_page(
    study: Study, number: str | None, agreement: Mapping[str, Sequence[int]]
) -> tuple[Page[RaterSession], list[RaterRow]]:
    """One page of the study's raters, the latest first; `agreement` as analysis.quality.make has stored it.

    It is not counted here: the votes of all who judged the same pairs may be those of the whole study.
    """
    sessions = RaterSession.objects.filter(study=study).select_related("rater").order_by("-id")
    page = Paginator(sessions, RATERS_PER_PAGE).get_page(number)
    ids = [session.id for session in page]
    found = conducts(study, ids, with_agreement=False)
    live, restored = _decisions(ids)
    rows = []
    for session in page:
        conduct = found.get(session.id, Conduct(session.id))
        if stored := agreement.get(str(session.id)):
            conduct.agreed, conduct.compared = stored
        is_compared = stored is not None or not conduct.judgements
        rows.append(RaterRow(session, conduct, live.get(session.id), session.id in restored, is_compared))
    return page, rows


def rater_row(session: RaterSession) -> RaterRow:
    """With the agreement as it is now."""
    conduct = conducts(session.study, [session.id]).get(session.id, Conduct(session.id))
    live, restored = _decisions([session.id])
    return RaterRow(session, conduct, live.get(session.id), session.id in restored, is_compared=True)


def _decisions(sessions: Collection[int]) -> tuple[dict[int | None, Exclusion], set[int | None]]:
    """The exclusions that hold, by session, and the sessions that a person has restored."""
    made = list(Exclusion.objects.filter(session__in=sessions))
    live = {exclusion.session_id: exclusion for exclusion in made if exclusion.revoked_at is None}
    return live, {exclusion.session_id for exclusion in made if exclusion.revoked_by_id is not None}


def breaches(row: RaterRow) -> list[str]:
    """Of the study's rules by this rater, whether or not somebody has restored them."""
    found = breaches_of(row.conduct, row.session.study.protocol.rules)
    return [breach.reason for breach in found if breach.vote_id is None]


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
    is_known = assignment.is_practice or assignment.kind in comparison.question.checks
    right_answers = passing(assignment) if is_known else set()  # beside another question's check nothing is asked
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


def report_page(study: Study, number: str | None) -> Page[Report]:
    """One page of the pairs that raters could not judge, the latest first."""
    found = _reports(study).select_related(f"{_IMAGES[0]}__job__prompt", *_SYSTEMS[:2]).defer(*_LONG[:4])
    return Paginator(found.order_by("-id"), REPORTS_PER_PAGE).get_page(number)


def _reports(study: Study) -> QuerySet[Report]:
    return Report.objects.filter(assignment__session__study=study)


def totals(study: Study) -> dict[str, int]:
    return {"raters": study.sessions.count(), "reported": _reports(study).count(), **excluded_counts(study)}


def names_of_raters(study: Study) -> str:
    """By what somebody can be found; empty where nobody has such a name."""
    platform = study.protocol.recruitment.platform
    if platform == "invitation":
        return "The token of their invitation"
    if platform != "link":
        return "Their id on the platform"
    is_any_imported = study.sessions.filter(rater__platform=PLATFORM).exists()
    return "Their name in the imported file" if is_any_imported else ""
