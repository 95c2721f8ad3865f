"""When judgements, checks and repeats come: properties of every plan."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from comparisons.plan import GOLD, JUDGEMENT, REPEAT, Plan

KINDS = st.lists(st.sampled_from(["corrupted", "mismatched", "same", GOLD]), unique=True).map(tuple)
PLANS = st.builds(
    Plan,
    seed=st.text(max_size=8),
    judgements=st.integers(0, 60),
    check_kinds=KINDS,
    every=st.none() | st.integers(2, 15),
    golds=st.integers(0, 3),
    repeats=st.integers(0, 5),
)


def walk(plan: Plan) -> list[str]:
    """All that a session is shown that answers everything."""
    shown: list[str] = []
    while True:
        judged, repeated = shown.count(JUDGEMENT), shown.count(REPEAT)
        kind = plan.following(judged, len(shown) - judged - repeated, repeated)
        if kind is None:
            return shown
        shown.append(kind)
        assert len(shown) <= plan.total


@given(PLANS)
def test_the_way_has_as_many_steps_as_the_progress_bar_says(plan: Plan) -> None:
    if plan.judgements:
        assert len(walk(plan)) == plan.total
        assert walk(plan).count(JUDGEMENT) == plan.judgements


@given(PLANS)
def test_a_judgement_comes_first_and_no_two_checks_follow_at_once(plan: Plan) -> None:
    shown = walk(plan)
    assert not shown or not plan.judgements or shown[0] == JUDGEMENT
    checks = [index for index, kind in enumerate(shown) if kind not in {JUDGEMENT, REPEAT}]
    if (plan.every or 0) > 2:
        runs = Counter(shown[: index + 1].count(JUDGEMENT) for index in checks)
        assert max(runs.values(), default=0) <= 2, "a run's last place may meet the next one's first"


@given(PLANS)
def test_every_run_has_one_check_while_there_are_kinds(plan: Plan) -> None:
    kinds = [kind for kind in walk(plan) if kind not in {JUDGEMENT, REPEAT}]
    assert kinds.count(GOLD) <= plan.golds
    if plan.every and set(plan.check_kinds) - {GOLD}:
        assert len(kinds) == plan.judgements // plan.every
        others = Counter(kind for kind in kinds if kind != GOLD)
        assert max(others.values(), default=0) - min(others.values(), default=0) <= 1 or len(others) == 1


@given(PLANS)
def test_a_plan_is_the_same_in_every_process_and_grows_with_the_study(plan: Plan) -> None:
    again = Plan(**{name: getattr(plan, name) for name in plan.__dataclass_fields__})
    assert walk(again) == walk(plan)
    longer = Plan(plan.seed, plan.judgements + 10, plan.check_kinds, plan.every, plan.golds, plan.repeats)
    assert longer.checks[: len(plan.checks)] == plan.checks
