"""How somebody answered: their times, sides, checks, repeats, and agreement with others. Counted, not judged."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import models
from django.db.models import Case, Count, OuterRef, Subquery, Sum, When

from comparisons.extras import passing
from comparisons.models import Assignment, Outcome, Study, Vote

Kind = Assignment.Kind

# The votes of one assignment are an answer and those that superseded it. Only for the latter are they looked up.
_TRIES = Vote.objects.filter(assignment=OuterRef("assignment")).values("assignment")
_SPENT_MS = Case(
    When(supersedes=None, then="response_ms"), default=Subquery(_TRIES.values(spent_ms=Sum("response_ms")))
)
_ANSWERED = (
    "assignment__session_id",
    "assignment_id",
    "assignment__beside_id",
    "assignment__comparison__question_id",
    "assignment__comparison_id",
    "assignment__kind",
    "outcome",
    "assignment__a_is_left",
    "response_ms",
    "spent_ms",
)


def _winner(outcome: str, *, a_is_left: bool) -> str:
    if outcome not in {Outcome.LEFT, Outcome.RIGHT}:
        return ""
    return "a" if (outcome == Outcome.LEFT) == a_is_left else "b"


def lower_tail(successes: int, trials: int, chance: float) -> float:
    """P(X <= successes) of a binomial X of so many trials: p of an exact one-sided test (Agresti, 2013, sec. 1.4.2).

    `chance` is above 0 and below 1. In logarithms, since binomial coefficients of some thousand trials are no floats.
    """
    hit, miss, all_orders = math.log(chance), math.log1p(-chance), math.lgamma(trials + 1)
    return math.fsum(
        math.exp(all_orders - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * hit + (trials - k) * miss)
        for k in range(successes + 1)
    )


class Sides(NamedTuple):
    """How often each was chosen, and the p of the exact two-sided binomial test against one half."""

    p: float
    left: int
    right: int

    @classmethod
    def of(cls, outcomes: Sequence[str]) -> Sides:
        left, right = outcomes.count(Outcome.LEFT), outcomes.count(Outcome.RIGHT)
        return cls(min(1.0, 2 * lower_tail(min(left, right), left + right, 0.5)), left, right)


class Answer(NamedTuple):
    """A standing answer of a session, in the order in which they came; `winner` is a or b, or empty.

    `beside_id` is the assignment of the first question on the same screen, None of that one itself. `spent_ms` counts
    the tries that were taken back, too: whoever mends a slip has seen the pair before.
    """

    vote_id: int
    session_id: int
    assignment_id: int
    beside_id: int | None
    question_id: int
    comparison_id: int
    kind: str
    outcome: str
    a_is_left: bool
    response_ms: int
    spent_ms: int

    @property
    def winner(self) -> str:
        return _winner(self.outcome, a_is_left=self.a_is_left)

    @property
    def screen(self) -> int:
        return self.beside_id or self.assignment_id


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
    by_question: bool = False  # several are asked on one screen, about one pair

    @property
    def sides(self) -> Counter[str]:
        return Counter(answer.outcome for answer in self.judgements)

    @property
    def median_ms(self) -> float | None:
        return statistics.median(answer.response_ms for answer in self.judgements) if self.judgements else None

    @property
    def sequences(self) -> list[list[str]]:
        """Outcomes in their order: all, or those to each question where answers about one pair agree by themselves. In
        blocks, each has a pair and sides of its own.
        """
        found: defaultdict[int | None, list[str]] = defaultdict(list)
        for answer in self.judgements:
            found[answer.question_id if self.by_question else None].append(answer.outcome)
        return list(found.values())

    @property
    def longest_run(self) -> int:
        """Answers on one side in a row, in any of the sequences."""
        runs = itertools.chain.from_iterable(map(itertools.groupby, self.sequences))
        return max((len(list(run)) for side, run in runs if side in {Outcome.LEFT, Outcome.RIGHT}), default=0)

    @property
    def side_bias(self) -> Sides:
        """Of the sequence with the least p, which is multiplied by their number (Bonferroni)."""
        sequences = self.sequences or [[]]
        least = min(map(Sides.of, sequences))
        return least._replace(p=min(1.0, least.p * len(sequences)))

    @property
    def screen_ms(self) -> Counter[int]:
        """How long each screen was looked at until all its questions were answered: the clock of each but the first
        starts at the answer before.
        """
        found: Counter[int] = Counter()
        for answer in self.judgements:
            found[answer.screen] += answer.spent_ms
        return found


def conducts(
    study: Study, sessions: Collection[int] | None = None, *, with_agreement: bool = True
) -> dict[int, Conduct]:
    """By session; of all, or of these. In a few queries, however many raters there are.

    Agreement takes the votes of all who judged the same pairs, which may be those of the whole study.
    """
    found: dict[int, Conduct] = {}
    winners: dict[tuple[int, int], str] = {}
    repeats: list[Answer] = []
    by_question = study.protocol.asks_together
    for answer in _answers(study, sessions):
        conduct = found.setdefault(answer.session_id, Conduct(answer.session_id, by_question=by_question))
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
    rows = _taken(study, sessions).annotate(spent_ms=_SPENT_MS).order_by("id").values_list("id", *_ANSWERED)
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

    A screen is one check, that of its first question: one wrong click there answers the others wrong as well. A check
    of a kind that its question does not have is none.
    """
    systems = [f"comparison__{image}__job__system" for image in ("image_a", "image_b")]
    related = ["comparison__question", "comparison__image_a__job__prompt", *systems]
    votes = _taken(study, sessions).exclude(assignment__kind__in=[Kind.JUDGEMENT, Kind.REPEAT])
    votes = votes.filter(assignment__beside=None)
    found = []
    for vote in votes.select_related(*(f"assignment__{name}" for name in related)).order_by("id"):
        assignment, question = vote.assignment, vote.assignment.comparison.question
        question.study = study
        if assignment.kind in question.checks and (right := passing(assignment)):
            found.append(CheckResult(assignment.session_id, question.key, assignment.kind, vote.outcome in right))
    return found
