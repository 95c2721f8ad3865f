"""The platform's book of a study beside ours: people are matched by the hashes of their ids, row by row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.contrib.auth.models import User
from django.db.models import Count

from comparisons import recruitment
from comparisons.assignments import plans_of
from comparisons.conduct import conducts
from comparisons.models import Assignment, Rater, RaterSession, Study
from comparisons.payment import Ours, Payment, Verdict, Work, code_difference, difference, verdict
from comparisons.studies import StudyError
from comparisons.submissions import Book, Submission, Theirs, read_book
from people import audit
from people.audit import Verb

Stage = RaterSession.Stage
HANDED_IN = (Theirs.HANDED_IN, Theirs.APPROVED, Theirs.APPROVED_IN_PART, Theirs.REJECTED)
_RANKS = {  # of one person's rows; what stands in the book as paid comes first, so that nothing is paid on top of it
    Theirs.APPROVED: 0,
    Theirs.APPROVED_IN_PART: 1,
    Theirs.SCREENED_OUT: 2,
    Theirs.HANDED_IN: 3,
    Theirs.REJECTED: 3,
}
_NOBODY = Work(Ours.MISSING)


@dataclass(frozen=True)
class Line:
    """A row of the platform's book, or a session that has none."""

    theirs: Theirs
    work: Work
    verdict: Verdict
    differences: Sequence[str]
    submission: Submission | None = None
    session: RaterSession | None = None


@dataclass(frozen=True)
class Reconciliation:
    lines: Sequence[Line]
    sessions: int
    erased: int  # people who took part and whom nobody can find in the book any more

    def count(self, payment: Payment) -> int:
        return sum(line.verdict.payment == payment for line in self.lines)


@dataclass
class _OurBook:
    study: Study
    by_worker: dict[str, RaterSession]
    works: dict[int, Work]
    codes: dict[str, RaterSession] = field(default_factory=dict)  # those that only one session has


def compare_books(study: Study, file: Path, *, actor: User | None = None, by: str = "") -> Reconciliation:
    """The platform's file beside our book, noted in the log; BookError or StudyError where they cannot be compared."""
    found = reconcile(study, read_book(file))
    audit.record(Verb.RECONCILED, study=study, actor=actor, by=by, details={"rows": len(found.lines)})
    return found


def reconcile(study: Study, book: Book) -> Reconciliation:
    """Every row of the book in its order, then our sessions that it lacks. Simulated raters are in neither."""
    platform = study.protocol.recruitment.platform
    if platform not in recruitment.NAMES:
        names = " and ".join(recruitment.NAMES.values())
        raise StudyError(f"Study {study.slug!r} recruits by {platform}: only {names} keep a book to compare with.")
    if platform != book.platform:
        found, wanted = recruitment.NAMES[book.platform], recruitment.NAMES[platform]
        raise StudyError(f"This is a file of {found}, and study {study.slug!r} recruits by {wanted}.")
    people = study.sessions.filter(rater__platform=platform, rater__kind=Rater.Kind.PERSON)
    ours = _our_book(study, list(people.exclude(rater__worker_hash="").select_related("rater").order_by("id")))
    by_worker: dict[str, list[Submission]] = defaultdict(list)
    for submission in book.submissions:
        by_worker[recruitment.hashed(platform, submission.worker)].append(submission)
    lines = [line for worker, rows in by_worker.items() for line in _of_one_person(ours, worker, rows)]
    lines.sort(key=lambda line: line.submission.row if line.submission else 0)
    lines += [_without_row(ours, session) for worker, session in ours.by_worker.items() if worker not in by_worker]
    erased = people.exclude(rater__erased_at=None).count()
    return Reconciliation(lines, sessions=len(ours.by_worker), erased=erased)


def _our_book(study: Study, sessions: Sequence[RaterSession]) -> _OurBook:
    for session in sessions:
        session.study = study
    ours = _OurBook(study, {session.rater.worker_hash: session for session in sessions}, _works(study, sessions))
    shared = set(recruitment.study_codes(study).values())
    for session in sessions:
        ours.codes |= {code: session for code in recruitment.ending_codes(session).values() if code not in shared}
    return ours


def _works(study: Study, sessions: Sequence[RaterSession]) -> dict[int, Work]:
    """In a few queries, however many people there are. Practice, checks and repeats are no answers."""
    asked = sum(plan.judgements for _question, plan in plans_of(study, seed=""))
    judged = Assignment.objects.counting().filter(
        session__study=study, beside=None, state__in=[Assignment.State.DONE, Assignment.State.UNDONE]
    )
    answers = Counter(dict(judged.order_by().values_list("session").annotate(Count("id"))))
    reported = Assignment.objects.counting().filter(session__study=study, state=Assignment.State.REPORTED)
    reports = Counter(dict(reported.order_by().values_list("session").annotate(Count("id"))))
    conduct = conducts(study)
    return {
        session.id: Work(
            ours=_how_far(session, answers[session.id], asked, reports[session.id]),
            answers=answers[session.id],
            asked=asked,
            checks=conduct[session.id].checks if session.id in conduct else 0,
            failed_checks=conduct[session.id].failed_checks if session.id in conduct else 0,
            reports=reports[session.id],
        )
        for session in sessions
    }


def _how_far(session: RaterSession, answers: int, asked: int, reports: int) -> Ours:
    if session.stage == Stage.SCREENED_OUT:
        return Ours.SCREENED_OUT
    if session.stage == Stage.FAILED:
        return Ours.FAILED
    if session.stage == Stage.COMPLETED:
        return Ours.COMPLETE if answers >= asked else _with_fewer(session, reports)
    if not answers:
        return Ours.BEGUN
    return Ours.ALL_JUDGED if answers >= asked else Ours.PARTLY


def _with_fewer(session: RaterSession, reports: int) -> Ours:
    """In an open study only who has nothing left to judge is complete: pairs came later, or others had the rest."""
    closed, ended = session.study.closed_at, session.completed_at
    is_closed = bool(closed and ended and ended >= closed)
    return Ours.SHORT if reports or is_closed else Ours.ALL_THERE_WAS


def _of_one_person(ours: _OurBook, worker: str, rows: Sequence[Submission]) -> Iterator[Line]:
    """One row counts: what is paid already, else what was handed in, and there the submission that came here last."""
    session = ours.by_worker.get(worker)
    mine = session.submission_hash if session else ""
    platform = ours.study.protocol.recruitment.platform

    def rank(row: Submission) -> tuple[int, bool, int]:
        return _RANKS.get(row.state, len(_RANKS)), recruitment.hashed(platform, row.submission) != mine, row.row

    first, *others = sorted(rows, key=rank)
    is_another = bool(mine) and recruitment.hashed(platform, first.submission) != mine
    yield _line(ours, first, session, is_another=is_another)
    for row in others:
        yield _duplicate(row, first, session, ours)


def _line(ours: _OurBook, row: Submission, session: RaterSession | None, *, is_another: bool) -> Line:
    work = ours.works[session.id] if session else _NOBODY
    found = [difference(row.state, work, recruitment.NAMES[ours.study.protocol.recruitment.platform])]
    if is_another:
        found.append("They came here with another submission than this.")
    if row.state in HANDED_IN:
        found.append(_about_code(ours, row.code, session, work))
    differences = [sentence for sentence in found if sentence]
    return Line(row.state, work, verdict(row.state, work.ours), differences, row, session)


def _about_code(ours: _OurBook, code: str, session: RaterSession | None, work: Work) -> str:
    if code in ours.codes and ours.codes[code] != session:
        return f"The code {code!r} is that of somebody else's session."
    codes = recruitment.ending_codes(session) if session else recruitment.study_codes(ours.study)
    means = next((ending for ending, its_code in codes.items() if its_code == code), "")
    ending = session.stage if session and session.has_ended else ""
    return code_difference(code, ending, means, work)


def _duplicate(row: Submission, first: Submission, session: RaterSession | None, ours: _OurBook) -> Line:
    same = row.submission == first.submission
    what = "The same submission is" if same else "The same person has another submission"
    reason = f"one participation is paid once, and row {first.row} counts"
    if row.state == Theirs.HANDED_IN and not same:
        reason += ": ask them to return this one, and do not reject it"
    paid = Verdict(Payment.PAY, f"approved already, and that stands; row {first.row} is of the same person")
    nothing = Verdict(Payment.NOTHING, reason)
    work = ours.works[session.id] if session else _NOBODY
    is_paid = row.state == Theirs.APPROVED and not same
    sentence = f"{what} in row {first.row}."
    return Line(row.state, work, paid if is_paid else nothing, [sentence], row, session)


def _without_row(ours: _OurBook, session: RaterSession) -> Line:
    work = ours.works[session.id]
    sentence = difference(Theirs.MISSING, work, recruitment.NAMES[ours.study.protocol.recruitment.platform])
    return Line(Theirs.MISSING, work, verdict(Theirs.MISSING, work.ours), [sentence], session=session)
