from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from comparisons.assignments import next_assignment
from comparisons.matchmaking import STRATEGIES, Candidate, Draw, balanced, uniform
from comparisons.models import Assignment, Comparison, Matchup, Study
from tests.factories import make_open_study, make_session

CANDIDATES = [Candidate(number, taken=taken) for number, taken in enumerate([2, 0, 1, 0, 1, 0])]
ANY_CANDIDATES = st.lists(st.integers(0, 5), max_size=12).map(
    lambda counts: [Candidate(number, taken=taken) for number, taken in enumerate(counts)]
)


def first_draws(strategy: str, times: int = 6000) -> Counter[int]:
    rng = random.Random(3)
    return Counter(STRATEGIES[strategy](CANDIDATES, rng)[0].matchup_id for _ in range(times))


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(candidates=ANY_CANDIDATES, seed=st.integers(0, 2**64))
def test_every_candidate_is_returned_once_with_a_probability(
    strategy: str, candidates: list[Candidate], seed: int
) -> None:
    draws = STRATEGIES[strategy](candidates, random.Random(seed))
    assert sorted(draw.matchup_id for draw in draws) == [candidate.matchup_id for candidate in candidates]
    assert all(0 < draw.probability <= 1 for draw in draws)


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(candidates=ANY_CANDIDATES, seed=st.integers(0, 2**64))
def test_the_same_generator_gives_the_same_order(strategy: str, candidates: list[Candidate], seed: int) -> None:
    orders = [STRATEGIES[strategy](candidates, random.Random(seed)) for _ in range(2)]
    assert orders[0] == orders[1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_candidates_are_no_draws(strategy: str) -> None:
    assert STRATEGIES[strategy]([], random.Random(0)) == []


@given(candidates=ANY_CANDIDATES, seed=st.integers(0, 2**64))
def test_balanced_tries_those_with_fewer_votes_first(candidates: list[Candidate], seed: int) -> None:
    taken = {candidate.matchup_id: candidate.taken for candidate in candidates}
    order = [taken[draw.matchup_id] for draw in balanced(candidates, random.Random(seed))]
    assert order == sorted(order)


@given(candidates=ANY_CANDIDATES, seed=st.integers(0, 2**64))
def test_balanced_shares_the_probability_among_equals(candidates: list[Candidate], seed: int) -> None:
    taken = {candidate.matchup_id: candidate.taken for candidate in candidates}
    equals = Counter(taken.values())
    draws = balanced(candidates, random.Random(seed))
    assert [draw.probability for draw in draws] == [1 / equals[taken[draw.matchup_id]] for draw in draws]
    for count in equals:
        tier = [Fraction(draw.probability).limit_denominator(99) for draw in draws if taken[draw.matchup_id] == count]
        assert sum(tier) == 1


def test_balanced_draws_the_first_with_the_probability_that_it_states() -> None:
    drawn = first_draws("balanced")
    assert set(drawn) == {1, 3, 5}
    assert balanced(CANDIDATES, random.Random(0))[0].probability == pytest.approx(1 / 3)
    assert all(abs(count / 6000 - 1 / 3) < 0.025 for count in drawn.values())  # 4 standard errors


def test_uniform_draws_every_pair_alike() -> None:
    drawn = first_draws("uniform")
    assert set(drawn) == {0, 1, 2, 3, 4, 5}
    assert {draw.probability for draw in uniform(CANDIDATES, random.Random(0))} == {1 / 6}
    assert all(abs(count / 6000 - 1 / 6) < 0.02 for count in drawn.values())  # 4 standard errors


def test_a_draw_says_which_pair_and_how_likely() -> None:
    assert balanced([Candidate(7, taken=3)], random.Random(0)) == [Draw(7, 1.0)]


@pytest.mark.django_db
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_lease_keeps_the_probability_of_its_pair(strategy: str) -> None:
    study = make_open_study(matchmaking=strategy)
    probabilities = [float(lease.probability) for _ in range(3) if (lease := a_lease(5, study))]
    expected = {"balanced": [1 / 3, 1 / 2, 1], "uniform": [1 / 3] * 3}
    assert probabilities == pytest.approx(expected[strategy])


@pytest.mark.django_db
def test_balanced_fills_all_pairs_evenly() -> None:
    study = make_open_study()
    for leases in range(1, 13):
        assert a_lease(leases, study)
        taken = [
            matchup.a_left + matchup.b_left for matchup in Matchup.objects.filter(question__key="prompt-following")
        ]
        assert max(taken) - min(taken) <= 1
    counts = set(Comparison.objects.filter(question__key="prompt-following").values_list("taken", flat=True))
    assert counts == {1}, "no comparison gets its second vote before all have their first"


@pytest.mark.django_db
def test_the_first_side_is_a_fair_coin() -> None:
    session = make_session(make_open_study(["a red fox"]))
    left = 0
    for seed in range(100):
        with transaction.atomic():
            lease = next_assignment(session, random.Random(seed))
            assert lease
            left += lease.a_is_left == lease.comparison.is_in_system_order()
            transaction.set_rollback(True)
    assert 30 <= left <= 70  # 4 standard errors


@pytest.mark.django_db
def test_the_same_generator_leads_to_the_same_lease() -> None:
    session = make_session(make_open_study())
    leases = []
    for _ in range(2):
        with transaction.atomic():
            lease = next_assignment(session, random.Random(11))
            assert lease
            leases.append((lease.comparison_id, lease.a_is_left, lease.probability))
            transaction.set_rollback(True)
    assert leases[0] == leases[1]


def a_lease(seed: int, study: Study) -> Assignment | None:
    """What the next newcomer gets."""
    return next_assignment(make_session(study), random.Random(seed))
