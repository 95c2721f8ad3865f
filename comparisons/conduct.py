"""How somebody answered: their times, sides, checks, repeats, and agreement with others. Counted, not judged."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import models
from django.db.models import Count

from comparisons.extras import passing
from comparisons.models import Assignment, Outcome, Study, Vote

Kind = Assignment.Kind


_ANSWERED = (
    "assignment__session_id",
    "assignment__comparison_id",
    "assignment__kind",
    "outcome",
    "assignment__a_is_left",
    "response_ms",
)


def _winner(outcome: str, *, a_is_left: bool) -> str:
    if outcome not in {Outcome.LEFT, Outcome.RIGHT}:
        return ""
    return "a" if (outcome == Outcome.LEFT) == a_is_left else "b"


class Answer(NamedTuple):
    """A standing answer of a session, in the order in which they came; `winner` is a or b, or empty."""

    vote_id: int
    session_id: int
    comparison_id: int
    kind: str
    outcome: str
    a_is_left: bool
    response_ms: int

    @property
    def winner(self) -> str:
        return _winner(self.outcome, a_is_left=self.a_is_left)


class CheckResult(NamedTuple):
    """Of one attention check; `question` is the key of the question that it stands among."""

    session_id: int
    question: str
    kind: str
    is_right: bool


@dataclass
class Conduct:
    """Of one session. Judgements are the answers that count; checks and repeats are counted apart."""

    session_id: int
    judgements: list[Answer] = field(default_factory=list)
    checks: int = 0
    failed_checks: int = 0
    repeats: int = 0
    consistent_repeats: int = 0
    compared: int = 0  # judgements on which the other raters have a majority; 0 where nobody has compared
    agreed: int = 0

    @property
    def sides(self) -> Counter[str]:
        return Counter(answer.outcome for answer in self.judgements)

    @property
    def median_ms(self) -> float | None:
        return statistics.median(answer.response_ms for answer in self.judgements) if self.judgements else None

    @property
    def longest_run(self) -> int:
        """Answers on one side in a row."""
        runs = itertools.groupby(answer.outcome for answer in self.judgements)
        return max((len(list(run)) for side, run in runs if side in {Outcome.LEFT, Outcome.RIGHT}), default=0)

    @property
    def side_bias_p(self) -> float:
        """Of the exact two-sided binomial test of left against right at 1/2 (Agresti, 2013, sec. 1.4.2)."""
        left, right = self.sides[Outcome.LEFT], self.sides[Outcome.RIGHT]
        count = left + right
        tail: int = sum(math.comb(count, k) for k in range(min(left, right) + 1))
        return float(min(1, 2 * tail / 2**count))

    def faster_than(self, floor_ms: int) -> list[Answer]:
        return [answer for answer in self.judgements if answer.response_ms < floor_ms]


def conducts(
    study: Study, sessions: Collection[int] | None = None, *, with_agreement: bool = True
) -> dict[int, Conduct]:
    """By session; of all, or of these. In a few queries, however many raters there are.

    Agreement takes the votes of all who judged the same pairs, which may be those of the whole study.
    """
    found: dict[int, Conduct] = {}
    winners: dict[tuple[int, int], str] = {}
    repeats: list[Answer] = []
    for answer in _answers(study, sessions):
        conduct = found.setdefault(answer.session_id, Conduct(answer.session_id))
        if answer.kind == Kind.JUDGEMENT:
            conduct.judgements.append(answer)
            winners[answer.session_id, answer.comparison_id] = answer.winner
        elif answer.kind == Kind.REPEAT:
            repeats.append(answer)
    for answer in repeats:
        found[answer.session_id].repeats += 1
        first = winners.get((answer.session_id, answer.comparison_id))
        found[answer.session_id].consistent_repeats += first == answer.winner
    if with_agreement:
        majorities = _majorities(study, sessions)
        for conduct in found.values():
            _compare(conduct, majorities)
    for result in check_results(study, sessions):
        conduct = found.setdefault(result.session_id, Conduct(result.session_id))
        conduct.checks += 1
        conduct.failed_checks += not result.is_right
    return found


def _compare(conduct: Conduct, majorities: dict[int, Counter[str]]) -> None:
    """With the others only: one's own answer is taken out of the count."""
    for answer in conduct.judgements:
        if not answer.winner:
            continue
        votes = majorities[answer.comparison_id]
        mine, other = votes[answer.winner] - 1, votes["b" if answer.winner == "a" else "a"]
        if mine != other:
            conduct.compared += 1
            conduct.agreed += mine > other


def _answers(study: Study, sessions: Collection[int] | None) -> Iterator[Answer]:
    rows = _taken(study, sessions).order_by("id").values_list("id", *_ANSWERED)
    return map(Answer._make, rows.iterator(chunk_size=5000))


def _majorities(study: Study, sessions: Collection[int] | None) -> dict[int, Counter[str]]:
    """Of each comparison, or of each that these sessions judged, how often each winner was preferred by anybody."""
    judged = Vote.objects.standing()
    if sessions is None:
        judged = judged.filter(assignment__session__study=study)
    else:
        mine = Assignment.objects.filter(session__in=sessions, kind=Kind.JUDGEMENT).order_by()
        # As numbers: of a subquery PostgreSQL expects so many that it reads the votes of all.
        judged = judged.filter(assignment__comparison__in=list(mine.values_list("comparison", flat=True).distinct()))
    found: dict[int, Counter[str]] = defaultdict(Counter)
    cells = judged.order_by().values_list("assignment__comparison_id", "outcome", "assignment__a_is_left")
    for comparison_id, outcome, a_is_left, count in cells.annotate(Count("id")):
        found[comparison_id][_winner(outcome, a_is_left=a_is_left)] += count
    return found


def _taken(study: Study, sessions: Collection[int] | None) -> models.QuerySet[Vote]:
    """Answers of every kind but practice that were not taken back."""
    chosen = {"assignment__session__study": study} if sessions is None else {"assignment__session__in": sessions}
    return Vote.objects.not_taken_back().filter(**chosen, assignment__is_practice=False)


def check_results(study: Study, sessions: Collection[int] | None = None) -> list[CheckResult]:
    """Of the attention checks that can be failed, in the order of the answers; of all sessions, or of these.

    A check beside another question's is none.
    """
    systems = [f"comparison__{image}__job__system" for image in ("image_a", "image_b")]
    related = ["comparison__question", "comparison__image_a__job__prompt", *systems]
    votes = _taken(study, sessions).exclude(assignment__kind__in=[Kind.JUDGEMENT, Kind.REPEAT])
    found = []
    for vote in votes.select_related(*(f"assignment__{name}" for name in related)).order_by("id"):
        assignment, question = vote.assignment, vote.assignment.comparison.question
        question.study = study
        if assignment.kind in question.checks and (right := passing(assignment)):
            found.append(CheckResult(assignment.session_id, question.key, assignment.kind, vote.outcome in right))
    return found
