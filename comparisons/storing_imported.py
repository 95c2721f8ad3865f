"""Votes that were brought become rows: raters, sessions, answered leases, votes, and the counters that they move.

All in one transaction, in bulk. Raters who judge meanwhile wait for the counters, so those are moved last: comparisons
by conditional updates, question by question as leases take them, then matchups.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F

from comparisons.imported_raters import PLATFORM, Work, keep_sessions
from comparisons.many_rows import insert_rows, moment, new_uuid
from comparisons.models import Assignment, Comparison, Exclusion, Matchup, Study, Vote

EXCLUDED = "excluded in the imported file"
MOMENT = timedelta(milliseconds=1)
_TOGETHER = 500  # comparisons in one statement
_LEASE = (
    "session_id",
    "comparison_id",
    "kind",
    "is_practice",
    "public_id",
    "a_is_left",
    "left_token",
    "right_token",
    "probability",
    "state",
    "issued_at",
    "expires_at",
)
_VOTE = ("assignment_id", "client_key", "outcome", "response_ms", "late", "answered_at")


class VoteRow(NamedTuple):
    """What one row says. `prompt_id` is a prompt's position, as exports have it."""

    question: str
    prompt_id: str
    system_left: str
    system_right: str
    outcome: str
    rater: str
    kind: str
    answered_at: datetime
    response_ms: int
    probability: float | None  # None: as if each pair of systems had been drawn alike
    late: bool  # it came after its place had been given to somebody else, and takes none
    is_excluded: bool

    @property
    def seen_at(self) -> datetime:
        return self.answered_at - timedelta(milliseconds=self.response_ms)


class Pair(NamedTuple):
    """A comparison; `a` and `b` are the systems of its images."""

    id: int
    a: str
    b: str
    matchup: int
    is_in_system_order: bool
    question: int  # its position
    wanted: int
    left: int  # places that are free


class Entry(NamedTuple):
    """A row with the comparison that it is about, and the hash of its rater's name."""

    row: VoteRow
    pair: Pair
    a_is_left: bool
    rater: str


class Taken(Exception):
    """Somebody else took a place that had been free, or closed the study."""


def store(study: Study, entries: Sequence[Entry], note: Callable[[int], None]) -> None:
    """Raises Taken, or IntegrityError where another file of the same raters was faster: then nothing is stored."""
    works = _works(entries)
    leases, votes = _lease_values(study, entries), _vote_values(entries)
    on_time = [entry for entry in entries if not entry.row.late]
    with transaction.atomic():
        sessions = keep_sessions(study, works)
        mine = [sessions[entry.rater] for entry in entries]
        insert_rows(Assignment, _LEASE, ((session, *values) for session, values in zip(mine, leases, strict=True)))
        ids = _lease_ids(study)
        of_votes = [ids[session, entry.pair.id] for session, entry in zip(mine, entries, strict=True)]
        insert_rows(Vote, _VOTE, ((lease, *values) for lease, values in zip(of_votes, votes, strict=True)))
        _exclude(lease for lease, entry in zip(of_votes, entries, strict=True) if entry.row.is_excluded)
        _keep_open(study)
        _take_places(on_time)
        _count_sides(on_time)
        note(len(entries))


def _works(entries: Sequence[Entry]) -> dict[str, Work]:
    found: dict[str, Work] = {}
    for row, _, _, rater in entries:
        known = found.get(rater) or Work(row.kind, row.seen_at, row.answered_at)
        found[rater] = Work(row.kind, min(known.first, row.seen_at), max(known.last, row.answered_at))
    return found


def _lease_values(study: Study, entries: Sequence[Entry]) -> list[tuple[Any, ...]]:
    """All of _LEASE but the session."""
    systems = study.systems.count()
    drawn_alike = 1 / (systems * (systems - 1) // 2)
    return [
        (
            pair.id,
            Assignment.Kind.JUDGEMENT.value,
            False,
            new_uuid(),
            a_is_left,
            new_uuid(),
            new_uuid(),
            row.probability or drawn_alike,
            Assignment.State.DONE.value,
            moment(row.seen_at),
            moment(row.answered_at + MOMENT),
        )
        for row, pair, a_is_left, _ in entries
    ]


def _vote_values(entries: Sequence[Entry]) -> list[tuple[Any, ...]]:
    """All of _VOTE but the assignment."""
    return [(new_uuid(), row.outcome, row.response_ms, row.late, moment(row.answered_at)) for row, _, _, _ in entries]


def _lease_ids(study: Study) -> dict[tuple[int, int], int]:
    """Of all that was imported, by session and comparison."""
    rows = Assignment.objects.filter(session__study=study, session__rater__platform=PLATFORM)
    return {(session, pair): id_ for id_, session, pair in rows.values_list("id", "session", "comparison").iterator()}


def _exclude(leases: Iterable[int]) -> None:
    votes = Vote.objects.filter(assignment__in=list(leases)).order_by("id").values_list("id", flat=True)
    Exclusion.objects.bulk_create(Exclusion(vote_id=vote, reason=EXCLUDED) for vote in votes)


def _keep_open(study: Study) -> None:
    """Whoever closes the study waits until these votes are there."""
    if not Study.objects.filter(id=study.id, state=Study.State.OPEN).update(state=Study.State.OPEN):
        raise Taken


def _take_places(entries: Sequence[Entry]) -> None:
    """Comparisons of one question that get equally many votes together."""
    wanted = Counter(entry.pair for entry in entries)
    in_order = sorted(wanted, key=lambda pair: (pair.question, wanted[pair], pair.id))
    for (_, votes), pairs in groupby(in_order, key=lambda pair: (pair.question, wanted[pair])):
        for ids in _chunks([pair.id for pair in pairs]):
            free = Comparison.objects.filter(id__in=ids, taken__lte=F("votes_wanted") - votes)
            if free.update(done=F("done") + votes) < len(ids):
                raise Taken


def _count_sides(entries: Sequence[Entry]) -> None:
    shown: dict[int, Counter[bool]] = defaultdict(Counter)  # by matchup: whether its system a was left
    for entry in entries:
        shown[entry.pair.matchup][entry.a_is_left == entry.pair.is_in_system_order] += 1
    for matchup_id in sorted(shown):
        left = shown[matchup_id]
        Matchup.objects.filter(id=matchup_id).update(a_left=F("a_left") + left[True], b_left=F("b_left") + left[False])


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _TOGETHER] for start in range(0, len(ids), _TOGETHER))
