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

from comparisons.assignments import next_assignment
from comparisons.leases import release_expired
from comparisons.models import Assignment, Matchup, RaterSession, Study
from comparisons.voting import Answer, record_vote
from tests.comparisons.browsing import assert_counters_true
from tests.factories import make_open_study, make_session

SEEDS = st.integers(0, 2**32)


class Leases(RuleBasedStateMachine):
    """Raters ask, answer once or twice, fall asleep and wake up again, in any order."""

    study: Study

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.sessions: list[RaterSession] = []
        self.given: list[Assignment] = []
        self.first_outcomes: dict[int, str] = {}

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
        held = Assignment.objects.open().filter(session=session).first()
        assignment = next_assignment(session, rng)
        if held or assignment is None:
            assert assignment == held
            return
        self.given.append(assignment)
        matchup = Matchup.objects.get(id=assignment.comparison.matchup_id)
        system_a_left = assignment.a_is_left == assignment.comparison.is_in_system_order()
        left, right = (matchup.a_left, matchup.b_left) if system_a_left else (matchup.b_left, matchup.a_left)
        assert left - 1 <= right, "the system that was left less often goes left"

    @precondition(lambda self: self.given)
    @rule(seed=SEEDS, outcome=st.sampled_from(["left", "right"]))
    def answer(self, seed: int, outcome: str) -> None:
        assignment = random.Random(seed).choice(self.given)
        assignment.refresh_from_db()
        state = assignment.state
        vote = record_vote(assignment.session, Answer(assignment.public_id, uuid.uuid4(), outcome, 1000))
        assert vote.outcome == self.first_outcomes.setdefault(assignment.id, outcome)
        if state != Assignment.State.DONE:
            assert vote.late == (state == Assignment.State.EXPIRED)

    @precondition(lambda self: self.given)
    @rule(seed=SEEDS)
    def fall_asleep(self, seed: int) -> None:
        lease = Assignment.objects.filter(pk=random.Random(seed).choice(self.given).pk)
        hour, now = timedelta(hours=1), timezone.now()
        lease.update(issued_at=now - 2 * hour, expires_at=now - hour)

    @rule()
    def release(self) -> None:
        release_expired()
        assert not Assignment.objects.expired_leases().exists()

    @invariant()
    def counters_are_true(self) -> None:
        assert_counters_true(self.study)


@pytest.mark.django_db
def test_counters_stay_true() -> None:
    Leases.study = make_open_study(["a red fox"])
    hurried = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Leases, settings=hurried)
