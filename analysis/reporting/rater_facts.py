"""What a report says of the people: who came, how long it took, what was checked, what is left out. As JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TypedDict

from django.db.models import BooleanField, Count, ExpressionWrapper, F, Max, Min, Q, Sum

from analysis.votes import excluded_votes, live_exclusions, standing_votes
from comparisons.conduct import check_results, conducts
from comparisons.imported_raters import PLATFORM
from comparisons.models import Assignment, Comparison, Question, RaterSession, Report, Study, Vote
from generation.latency import Spread

_RATER = "assignment__session__rater"


class Distribution(TypedDict):
    """Quartiles, interpolated."""

    count: int
    lower: float
    median: float
    upper: float


class Crowd(TypedDict):
    """The raters of one kind who voted, here or elsewhere, and their votes that stand."""

    kind: str
    is_imported: bool
    raters: int
    votes: int
    late_votes: int


class CheckResult(TypedDict):
    question: str
    kind: str
    answered: int
    failed: int


class ExclusionCount(TypedDict):
    """`rule` is empty where a person decided."""

    rule: str
    sessions: int
    votes: int


class Quota(TypedDict):
    question: str
    comparisons: int
    votes_wanted: int
    votes_on_time: int
    shown_left: int  # of each pair's two systems, the one that was left less often
    shown_right: int


class RaterFacts(TypedDict):
    crowds: list[Crowd]
    stages: dict[str, int]  # sessions of those who came here, by how far they went
    second_tries: int  # of the comprehension check
    consents: dict[str, int]  # the same sessions, by the SHA-256 of the text that they agreed to
    first_vote: str | None
    last_vote: str | None
    votes_per_rater: Distribution | None
    minutes_per_session: Distribution | None  # of those that were completed
    seconds_per_answer: dict[str, Distribution]  # by question
    checks: list[CheckResult]
    repeats: int
    consistent_repeats: int
    reports: dict[str, int]  # of pairs, by what was wrong
    taken_back: int
    excluded_votes: int
    exclusions: list[ExclusionCount]
    quotas: list[Quota]


def rater_facts(study: Study) -> RaterFacts:
    span = standing_votes(study).aggregate(first=Min("answered_at"), last=Max("answered_at"))
    here = RaterSession.objects.filter(study=study).exclude(rater__platform=PLATFORM).order_by()
    answered = Vote.objects.filter(assignment__session__study=study)
    all_conduct = conducts(study).values()
    return {
        "crowds": _crowds(study),
        "stages": dict(here.values_list("stage").annotate(Count("id"))),
        "second_tries": here.filter(comprehension_tries__gt=1).count(),
        "consents": dict(here.values_list("consent_version").annotate(Count("id"))),
        "first_vote": span["first"] and span["first"].isoformat(),
        "last_vote": span["last"] and span["last"].isoformat(),
        "votes_per_rater": distribution(len(one.judgements) for one in all_conduct if one.judgements),
        "minutes_per_session": distribution(
            (end - start).total_seconds() / 60
            for start, end in here.filter(stage="completed").values_list("consented_at", "completed_at")
            if end is not None
        ),
        "seconds_per_answer": _seconds(study),
        "checks": _checks(study),
        "repeats": sum(one.repeats for one in all_conduct),
        "consistent_repeats": sum(one.consistent_repeats for one in all_conduct),
        "reports": dict(
            Report.objects.filter(assignment__session__study=study)
            .order_by()
            .values_list("problem")
            .annotate(Count("id"))
        ),
        "taken_back": answered.exclude(supersedes=None).count(),
        "excluded_votes": excluded_votes(study).count(),
        "exclusions": _exclusions(study),
        "quotas": [_quota(question) for question in study.ordered_questions],
    }


def distribution(values: Iterable[float]) -> Distribution | None:
    found = list(values)
    if not found:
        return None
    spread = Spread.of(found)
    return {"count": len(found), "lower": spread.lower, "median": spread.median, "upper": spread.upper}


def _crowds(study: Study) -> list[Crowd]:
    rows = (
        standing_votes(study)
        .values(
            kind=F(f"{_RATER}__kind"),
            is_imported=ExpressionWrapper(Q(**{f"{_RATER}__platform": PLATFORM}), BooleanField()),
        )
        .annotate(raters=Count(_RATER, distinct=True), votes=Count("id"), late_votes=Count("id", filter=Q(late=True)))
        .order_by("kind", "is_imported")
    )
    return [Crowd(**row) for row in rows]


def _seconds(study: Study) -> dict[str, Distribution]:
    found = {}
    for question in study.ordered_questions:
        times = Vote.objects.standing().filter(assignment__comparison__question=question)
        spread = distribution(ms / 1000 for ms in times.values_list("response_ms", flat=True).iterator())
        if spread:
            found[question.key] = spread
    return found


def _checks(study: Study) -> list[CheckResult]:
    """Those that can be failed."""
    answered: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for check in check_results(study):
        key = (check.question, check.kind)
        answered[key] += 1
        failed[key] += not check.is_right
    return [
        {"question": question, "kind": kind, "answered": count, "failed": failed[question, kind]}
        for (question, kind), count in sorted(answered.items())
    ]


def _exclusions(study: Study) -> list[ExclusionCount]:
    rows = live_exclusions(study).order_by("rule").values_list("rule")
    counts = rows.annotate(Count("session"), Count("vote"))
    return [{"rule": rule, "sessions": sessions, "votes": votes} for rule, sessions, votes in counts]


def _quota(question: Question) -> Quota:
    comparisons = Comparison.objects.filter(question=question, votes_wanted__gt=0)
    totals = comparisons.aggregate(
        count=Count("id"), wanted=Sum("votes_wanted", default=0), done=Sum("done", default=0)
    )
    sides = _sides(question)
    return {
        "question": question.key,
        "comparisons": totals["count"],
        "votes_wanted": totals["wanted"],
        "votes_on_time": totals["done"],
        "shown_left": sum(min(left) for left in sides),
        "shown_right": sum(max(left) for left in sides),
    }


def _sides(question: Question) -> list[tuple[int, int]]:
    """Of each pair of systems, how often either stood left in a vote on time.

    Not from the counters of matchmaking: those hold open leases, too, and no vote tells when one of them lapses.
    """
    pair = "assignment__comparison"
    rows = (
        Vote.objects.filter(
            assignment__comparison__question=question,
            assignment__kind=Assignment.Kind.JUDGEMENT,
            supersedes=None,
            late=False,
        )
        .values_list(
            f"{pair}__matchup",
            ExpressionWrapper(Q(**{f"{pair}__image_a__job__system": F(f"{pair}__matchup__system_a")}), BooleanField()),
            "assignment__a_is_left",
        )
        .annotate(Count("id"))
    )
    left: defaultdict[int, Counter[bool]] = defaultdict(Counter)
    for matchup, is_in_system_order, a_is_left, count in rows:
        left[matchup][is_in_system_order == a_is_left] += count
    return [(of_pair[True], of_pair[False]) for of_pair in left.values()]
