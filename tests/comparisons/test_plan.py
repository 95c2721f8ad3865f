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
    return walk_without(plan, kinds=set())


def walk_without(plan: Plan, kinds: set[str]) -> list[str]:
    """The same where no pair of these kinds can be had."""
    shown: list[str] = []
    while following := [kind for kind in plan.following(Counter(shown)) if kind not in kinds]:
        shown.append(following[0])
        assert len(shown) <= plan.total
    return shown


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


@given(PLANS, st.sets(st.sampled_from(["corrupted", "mismatched", "same", GOLD, REPEAT])))
def test_a_kind_that_cannot_be_had_leaves_the_places_of_the_others_alone(plan: Plan, missing: set[str]) -> None:
    assert walk_without(plan, missing) == [kind for kind in walk(plan) if kind not in missing]


@given(PLANS, st.data())
def test_one_that_was_lost_holds_up_no_other_kind(plan: Plan, data: st.DataObject) -> None:
    """A lost gold pair stays due and is asked for in vain: its kind may come first, and all others come as planned."""
    shown = walk(plan)
    lost = data.draw(st.integers(0, shown.count(GOLD)), label="golds lost")
    rest, had = Counter(shown) - Counter({GOLD: lost}), Counter[str]()
    while following := [kind for kind in plan.following(had) if had[kind] < rest[kind]]:
        had[following[0]] += 1
    assert had == rest


@given(PLANS)
def test_a_plan_is_the_same_in_every_process_and_grows_with_the_study(plan: Plan) -> None:
    again = Plan(**{name: getattr(plan, name) for name in plan.__dataclass_fields__})
    assert walk(again) == walk(plan)
    longer = Plan(plan.seed, plan.judgements + 10, plan.check_kinds, plan.every, plan.golds, plan.repeats)
    assert longer.checks[: len(plan.checks)] == plan.checks
