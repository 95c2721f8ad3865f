"""Random sequences of everything that can happen to leases: after every step the counters are the truth."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from comparisons.assignments import take_turn
from comparisons.importing_votes import VotesRefused, import_votes
from comparisons.leases import release_expired
from comparisons.models import Assignment, Matchup, RaterSession, Study, Vote
from comparisons.storing_imported import VoteRow
from comparisons.voting import Answer, record_vote, report, undo
from tests.comparisons.browsing import assert_counters_true
from tests.comparisons.imported import make_rows
from tests.factories import make_open_study, make_session

SEEDS = st.integers(0, 2**32)
State = Assignment.State


class Leases(RuleBasedStateMachine):
    """Raters ask, answer once or twice, take back, complain, fall asleep and wake up again, in any order; a few
    votes come from elsewhere.
    """

    study: Study
    rows: list[VoteRow]  # that were made elsewhere

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.sessions: list[RaterSession] = []
        self.given: list[Assignment] = []
        self.outcomes: dict[int, str] = {}
        self.elsewhere = ["r-1", "r-2", "r-3"]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    @rule()
    def join(self) -> None:
        self.sessions.append(make_session(self.study))

    @precondition(lambda self: self.sessions)
    @rule(seed=SEEDS)
    def ask(self, seed: int) -> None:
        rng = random.Random(seed)
        session = rng.choice(self.sessions)
        in_hand = session.assignments.filter(state__in=[State.OPEN, State.UNDONE]).values_list("id", flat=True)
        before = set(in_hand)
        turn = take_turn(session, rng)
        if before:
            assert turn.current
            assert turn.current.id in before
        new = [lease for lease in (turn.current, turn.ahead) if lease and lease not in self.given]
        self.given += new
        for lease in new[-1:]:
            matchup = Matchup.objects.get(id=lease.comparison.matchup_id)
            system_a_left = lease.a_is_left == lease.comparison.is_in_system_order()
            left, right = (matchup.a_left, matchup.b_left) if system_a_left else (matchup.b_left, matchup.a_left)
            assert left - 1 <= right, "the system that was left less often goes left"

    @precondition(lambda self: self.given)
    @rule(seed=SEEDS, outcome=st.sampled_from(["left", "right"]))
    def answer(self, seed: int, outcome: str) -> None:
        assignment = random.Random(seed).choice(self.given)
        assignment.refresh_from_db()
        state = assignment.state
        if state == State.UNDONE:
            del self.outcomes[assignment.id]
        vote = record_vote(assignment.session, Answer(assignment.public_id, uuid.uuid4(), outcome, 1000))
        assert vote.outcome == self.outcomes.setdefault(assignment.id, outcome)
        assert (vote.supersedes is not None) >= (state == State.UNDONE)
        if state not in {State.DONE, State.UNDONE}:
            assert vote.late == (state in {State.EXPIRED, State.REPORTED})

    @precondition(lambda self: self.sessions)
    @rule(seed=SEEDS)
    def take_back(self, seed: int) -> None:
        session = random.Random(seed).choice(self.sessions)
        has_answered = Vote.objects.of_session(session).exists()
        assert undo(session) == has_answered

    @precondition(lambda self: self.given)
    @rule(seed=SEEDS)
    def complain(self, seed: int) -> None:
        assignment = random.Random(seed).choice(self.given)
        report(assignment.session, assignment.public_id, "broken", "")

    @precondition(lambda self: self.given)
    @rule(seed=SEEDS)
    def fall_asleep(self, seed: int) -> None:
        lease = Assignment.objects.filter(pk=random.Random(seed).choice(self.given).pk)
        hour, now = timedelta(hours=1), timezone.now()
        lease.update(issued_at=now - 2 * hour, expires_at=now - hour)

    @precondition(lambda self: self.elsewhere)
    @rule(seed=SEEDS)
    def import_one(self, seed: int) -> None:
        row = random.Random(seed).choice(self.rows)._replace(rater=self.elsewhere.pop())
        before = Vote.objects.count()
        try:
            import_votes(self.study, [row], lambda _: None)
        except VotesRefused:
            assert Vote.objects.count() == before
        else:
            newest = Vote.objects.latest("id")
            self.outcomes[newest.assignment_id] = newest.outcome

    @rule()
    def release(self) -> None:
        release_expired()
        assert not Assignment.objects.expired_leases().exists()

    @invariant()
    def counters_are_true(self) -> None:
        assert_counters_true(self.study)

    @invariant()
    def every_answered_pair_has_one_standing_vote(self) -> None:
        standing = Vote.objects.standing().values_list("assignment", "outcome")
        assert dict(standing) == self.outcomes
        assert len(standing) == len(self.outcomes)


@pytest.mark.django_db
def test_counters_stay_true() -> None:
    Leases.study = make_open_study(["a red fox"])
    Leases.rows = make_rows(Leases.study, ["a"])
    hurried = settings(
        max_examples=25,
        stateful_step_count=25,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Leases, settings=hurried)
