"""Recording what a rater answered: one lease, one vote, whatever is posted twice."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from comparisons import leases, sessions
from comparisons.conduct import check_results
from comparisons.models import Assignment, Comparison, Outcome, RaterSession, Report, Study, Vote
from comparisons.statements import Insertion, Statement, given_id, given_uuid

MAX_RESPONSE_MS = 2**31 - 1
State = Assignment.State
_GIVEN = Statement(
    lambda: Assignment.objects.filter(session=given_id("session"), public_id=given_uuid("public_id")).select_related(
        "comparison"
    )
)
_FINISH = Statement(lambda: Assignment.objects.open().filter(id=given_id("lease")), state=State.DONE)
_COUNT_DONE = Statement(
    lambda: Comparison.objects.filter(id=given_id("comparison")), open_leases=F("open_leases") - 1, done=F("done") + 1
)
_INSERT = Insertion(Vote)


class AnswerError(ValueError):
    """The answer cannot be a vote, now or later: the page should show the sentence and not try again."""


class NotGiven(AnswerError):
    """Not to this session: it may be that of somebody else who uses the same browser, and be right there."""


class _Overtaken(Exception):
    """Another request has answered this lease."""


@dataclass(frozen=True)
class Answer:
    """`also`: the answers to the other questions on the same screen."""

    assignment: uuid.UUID
    key: uuid.UUID
    outcome: str
    response_ms: int
    also: tuple[Answer, ...] = ()


def parse_answer(content: object) -> Answer:
    """The answer in a posted JSON object."""
    if not isinstance(content, dict):
        raise AnswerError("An answer is a JSON object with assignment, key, outcome and response_ms.")
    outcome, response_ms = content.get("outcome"), content.get("response_ms")
    if outcome not in Outcome.values:
        raise AnswerError(f"outcome is {outcome!r}; allowed: {', '.join(Outcome.values)}.")
    if not isinstance(response_ms, int) or isinstance(response_ms, bool) or not 0 <= response_ms <= MAX_RESPONSE_MS:
        raise AnswerError(f"response_ms is {response_ms!r}; allowed: whole milliseconds from 0.")
    also = content.get("also", [])
    if not isinstance(also, list) or any(isinstance(item, dict) and "also" in item for item in also):
        raise AnswerError(f"also is {str(also)[:40]!r}; allowed: a list of answers.")
    answers = tuple(parse_answer(item) for item in also)
    return Answer(_uuid(content, "assignment"), _uuid(content, "key"), outcome, response_ms, answers)


def record_vote(session: RaterSession, answer: Answer) -> Vote:
    """The vote for this answer: stored now, or the one stored before for the same lease.

    The first answer to a lease is its vote. Whatever comes after, with the same key or another, changes nothing and
    gets the same receipt, unless the rater took the answer back. An answer to a lease that was given back is kept and
    marked late.
    """
    assignment = _assignment(session, answer)
    companions = _companions(assignment, answer)
    if vote := _stored(assignment, answer):
        return vote
    try:
        with transaction.atomic():
            vote = _store(assignment, answer)
            for companion, other in companions:
                _store(companion, other)
    except _Overtaken:
        return _standing(assignment)  # stored by whoever finished the lease
    except IntegrityError:
        if same := _of_key(assignment, answer):  # posted twice, and taken back since this lease was read
            return same
        raise AnswerError(_("This key belongs to the answer to another pair.")) from None
    _stop_if_checks_fail(session, assignment)
    return vote


def undo(session: RaterSession) -> bool:
    """Let the session judge its last pair again. The vote stands until another answer supersedes it."""
    if session.study.state != Study.State.OPEN or session.stage != RaterSession.Stage.JUDGING:
        return False
    mine = session.assignments.filter(beside=None)
    if mine.filter(state=State.UNDONE).exists():
        return True
    judged = Vote.objects.of_session(session).filter(assignment__is_practice=False, assignment__beside=None)
    last = judged.order_by("-id").values_list("assignment", flat=True).first()
    if last is None:
        return False
    try:
        with transaction.atomic():
            done = Assignment.objects.filter(Q(id=last) | Q(beside=last), state=State.DONE)
            return bool(done.update(state=State.UNDONE))
    except IntegrityError:  # another tab was faster
        return True


def report(session: RaterSession, assignment_id: uuid.UUID, problem: str, note: str) -> None:
    """A pair that cannot be judged is put away for this rater; nobody is asked for an answer, and none is lost."""
    assignment = session.assignments.filter(public_id=assignment_id, beside=None).first()
    if assignment is None:
        raise NotGiven(_("This pair was not given to this session."))
    if problem not in Report.Problem.values:
        raise AnswerError(f"problem is {problem!r}; allowed: {', '.join(Report.Problem.values)}.")
    Report.objects.get_or_create(assignment=assignment, defaults={"problem": problem, "note": _storable(note)[:500]})
    lease = Assignment.objects.select_related("comparison__matchup", "comparison__image_a__job").get(id=assignment.id)
    if not leases.give_back(lease, State.REPORTED):
        group = Assignment.objects.filter(Q(id=lease.id) | Q(beside=lease.id), state=State.UNDONE)
        group.update(state=State.DONE)  # it had been answered before, and that answer stands


def _storable(text: str) -> str:
    """Without what JSON can write and no database takes: NUL, and half an emoji."""
    return text.replace("\0", "").encode(errors="ignore").decode()


def _stop_if_checks_fail(session: RaterSession, assignment: Assignment) -> None:
    most = session.study.protocol.checks.stop_after_failed
    is_check = assignment.kind not in {Assignment.Kind.JUDGEMENT, Assignment.Kind.REPEAT}
    if most is None or not is_check or assignment.is_practice:
        return
    if sum(not check.is_right for check in check_results(session.study, [session.id])) < most:
        return
    sessions.end(session, RaterSession.Stage.FAILED)
    leases.release_ahead(session)


def _assignment(session: RaterSession, answer: Answer) -> Assignment:
    assignment = _GIVEN.first(session=session.id, public_id=answer.assignment)
    if assignment is None:
        raise NotGiven(_("This pair was not given to this session."))
    assignment.session = session
    question_id = assignment.comparison.question_id
    questions = {question.id: question for question in session.study.ordered_questions}
    assignment.comparison.question = questions[question_id]
    _check_outcome(assignment, answer)
    return assignment


def _companions(assignment: Assignment, answer: Answer) -> list[tuple[Assignment, Answer]]:
    """The other assignments on the screen with their answers: all of them, or it is no answer."""
    if assignment.beside_id:
        raise AnswerError("This pair has several questions, which are answered together.")
    if not answer.also and not assignment.session.study.protocol.asks_together:
        return []
    beside = {other.public_id: other for other in assignment.companions.select_related("comparison__question")}
    if set(beside) != {other.assignment for other in answer.also} or len(beside) != len(answer.also):
        raise AnswerError(f"also has {len(answer.also)} answer(s); this pair has {len(beside)} question(s) more.")
    for other in answer.also:
        _check_outcome(beside[other.assignment], other)
    return [(beside[other.assignment], other) for other in answer.also]


def _check_outcome(assignment: Assignment, answer: Answer) -> None:
    offered = assignment.comparison.question.outcomes()
    if answer.outcome not in offered:
        raise AnswerError(f"outcome is {answer.outcome!r}; this question offers {', '.join(offered)}.")


def _stored(assignment: Assignment, answer: Answer) -> Vote | None:
    """The vote that this answer has become, or else the one that another answer has; one taken back makes room."""
    if assignment.state not in {State.DONE, State.UNDONE}:
        return None
    same = _of_key(assignment, answer)
    return same or (_standing(assignment) if assignment.state == State.DONE else None)


def _of_key(assignment: Assignment, answer: Answer) -> Vote | None:
    return Vote.objects.filter(assignment=assignment, client_key=answer.key).first()


def _standing(assignment: Assignment) -> Vote:
    return Vote.objects.get(assignment=assignment, superseded_by=None)


def _store(assignment: Assignment, answer: Answer) -> Vote:
    late, supersedes = _finish(assignment)
    return _INSERT.row(
        assignment=assignment,
        supersedes=supersedes,
        client_key=answer.key,
        outcome=answer.outcome,
        response_ms=answer.response_ms,
        late=late,
    )


def _finish(assignment: Assignment) -> tuple[bool, Vote | None]:
    """Turn the lease into a done one and move its capacity: whether it had been given back before, and the vote that
    was taken back. By what the lease is now: since it was read, another tab may have answered and taken that back.

    Raises _Overtaken where another request has just done so.
    """
    if _FINISH.update(lease=assignment.id):
        if assignment.kind == Assignment.Kind.JUDGEMENT:
            _COUNT_DONE.update(comparison=assignment.comparison_id)
        return False, None
    lease = Assignment.objects.filter(id=assignment.id)
    if lease.filter(state=State.UNDONE).update(state=State.DONE):
        before = _standing(assignment)
        return before.late, before
    if not lease.filter(state__in=[State.EXPIRED, State.REPORTED]).update(state=State.DONE):
        raise _Overtaken
    return True, None


def _uuid(content: dict[str, object], name: str) -> uuid.UUID:
    try:
        return uuid.UUID(str(content.get(name)))
    except ValueError:
        raise AnswerError(f"{name} is {content.get(name)!r}; allowed: a UUID.") from None
