"""Creating, opening and closing studies, the design hash, and the comparisons that are built."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import fields, replace
from random import randbytes
from typing import Any

import pytest
from PIL import Image as PillowImage

from comparisons.models import Comparison, Matchup, Question, Study
from comparisons.padding import STEP
from comparisons.protocol import Protocol, Rules
from comparisons.studies import (
    StudyError,
    build_comparisons,
    close_study,
    create_study,
    design_hash,
    find_study,
    image_jobs,
    open_study,
)
from comparisons.study_file import QuestionSpec, StudySpec
from generation import jobs
from generation.models import System
from tests.factories import make_draft, make_image, make_open_study, make_prompt_set, make_study_spec, make_system_spec

pytestmark = pytest.mark.django_db


def spec_of(slug: str = "colours", **changes: Any) -> StudySpec:
    return make_study_spec("words", slug=slug, **changes)


@pytest.fixture(autouse=True)
def words(db: None) -> None:
    make_prompt_set("words", ["red", "green"])


def test_a_study_holds_what_its_specification_says() -> None:
    study, is_new = create_study(spec_of(judgements_per_question=5, matchmaking="uniform"))
    assert is_new
    assert (study.slug, study.state, study.opened_at, study.design_hash) == ("colours", "draft", None, "")
    assert (study.votes_wanted, study.judgements_per_question, study.matchmaking) == (2, 5, "uniform")
    assert (study.display_px, study.seed, study.prompt_set.slug) == (64, 7, "words")
    assert [system.slug for system in study.systems.all()] == ["alpha@4", "beta@4", "gamma@4"]
    questions = Question.objects.filter(study=study).values_list("key", "position", "offers_tie", "offers_both_bad")
    assert list(questions) == [("prompt-following", 0, False, False), ("quality", 1, True, True)]


def test_the_address_for_raters_is_random() -> None:
    keys = [create_study(spec_of(f"colours-{number}"))[0].key for number in range(3)]
    assert len(set(keys)) == 3
    assert all(len(key) == 12 and key.isalnum() for key in keys)


def test_creating_it_twice_changes_nothing() -> None:
    study, _ = create_study(spec_of())
    again, is_new = create_study(spec_of())
    assert (again.pk, again.key, is_new) == (study.pk, study.key, False)
    open_study(study)
    assert create_study(spec_of()) == (study, False)
    assert Question.objects.count() == 2


def test_a_draft_is_replaced() -> None:
    create_study(spec_of())
    study, is_new = create_study(
        spec_of(seed=8, questions=(QuestionSpec("taste", "Which?", tie=False, both_bad=False),))
    )
    assert is_new
    assert Study.objects.get() == study
    assert study.seed == 8
    assert Question.objects.get().key == "taste"


def test_a_system_of_a_replaced_draft_may_still_change() -> None:
    systems = (make_system_spec("alpha"), make_system_spec("beta"))
    create_study(spec_of(systems=systems))
    mended = (systems[0], make_system_spec("beta", guidance_scale=5.0))
    study, _ = create_study(spec_of(systems=mended))
    assert {system.fingerprint for system in study.systems.all()} == {system.fingerprint for system in mended}
    assert System.objects.count() == 2


def test_a_system_of_another_study_never_changes() -> None:
    create_study(spec_of("first"))
    mended = (make_system_spec("alpha"), make_system_spec("beta", guidance_scale=5.0))
    with pytest.raises(StudyError) as refusal:
        create_study(spec_of("second", systems=mended))
    assert str(refusal.value) == (
        "system 'beta@4' exists with other settings (changed: guidance_scale None to 5.0): "
        "a system never changes, so give this one another name."
    )
    assert Study.objects.get().slug == "first"


def test_a_setting_that_was_left_out_is_named_among_the_changes() -> None:
    adapted = make_system_spec("beta", lora="./lora/file.safetensors")
    create_study(spec_of("first", systems=(make_system_spec("alpha"), adapted)))
    with pytest.raises(StudyError, match=r"\(changed: lora './lora/file\.safetensors' to None\)"):
        create_study(spec_of("second"))


def test_a_system_keeps_its_name() -> None:
    create_study(spec_of("first"))
    renamed = (make_system_spec("alpha"), make_system_spec("delta", model="./beta"))
    with pytest.raises(StudyError) as refusal:
        create_study(spec_of("second", systems=renamed))
    assert str(refusal.value) == "system 'delta@4' has the settings of 'beta@4', which exists: use that name."
    assert System.objects.count() == 3


def test_studies_share_the_systems_that_they_have_in_common() -> None:
    first, second = (create_study(spec_of(slug))[0] for slug in ("first", "second"))
    assert set(first.systems.all()) == set(second.systems.all())
    assert System.objects.count() == 3


@pytest.mark.parametrize("state", ["open", "closed"])
def test_what_raters_have_seen_is_not_replaced(state: str) -> None:
    study, _ = create_study(spec_of())
    open_study(study)
    if state == "closed":
        close_study(study)
    with pytest.raises(StudyError) as refusal:
        create_study(spec_of(seed=8, votes_wanted=9))
    assert str(refusal.value) == (
        f"slug is 'colours', a study that is {state} with another design (changed: seed, votes_wanted): "
        "its design is frozen, so give this one another slug."
    )
    study.refresh_from_db()
    assert (study.seed, study.state) == (7, state)


def test_an_unknown_prompt_set_is_refused() -> None:
    with pytest.raises(StudyError) as refusal:
        create_study(make_study_spec("nowhere", slug="colours"))
    assert str(refusal.value) == (
        "prompt_set is 'nowhere', which does not exist: import it first with import_prompts FILE --set nowhere."
    )
    assert not Study.objects.exists()
    assert not System.objects.exists()


def test_an_unknown_study_is_named_with_those_that_exist() -> None:
    with pytest.raises(StudyError) as refusal:
        find_study("colors")
    assert str(refusal.value) == "There is no study 'colors'; existing: none yet."
    create_study(spec_of())
    create_study(spec_of("animals"))
    with pytest.raises(StudyError) as refusal:
        find_study("colors")
    assert str(refusal.value) == "There is no study 'colors'; existing: animals, colours."


def test_opening_freezes_the_design_once() -> None:
    study, _ = create_study(spec_of())
    assert open_study(study)
    opened_at = study.opened_at
    assert (study.state, study.design_hash) == ("open", design_hash(study))
    assert not open_study(study)
    assert study.opened_at == opened_at


def test_closed_stays_closed() -> None:
    study, _ = create_study(spec_of())
    with pytest.raises(StudyError, match=r"^Study 'colours' is a draft: only an open study can be closed\.$"):
        close_study(study)
    open_study(study)
    assert close_study(study)
    closed_at = study.closed_at
    assert not close_study(study)
    assert study.closed_at == closed_at
    with pytest.raises(StudyError, match=r"^Study 'colours' is closed: closed studies stay closed\.$"):
        open_study(study)


def hash_of(spec: StudySpec) -> str:
    return design_hash(create_study(spec)[0])


def test_the_design_hash_is_the_same_for_ever() -> None:
    assert hash_of(spec_of()) == "d870d5a47e4b2f17a180ccd829fba6a496949539a2d72f48ff90fd3cd9056e19"


def test_the_design_hash_does_not_depend_on_the_slug() -> None:
    assert hash_of(spec_of("colours")) == hash_of(spec_of("colours-again"))


CHANGES: dict[str, Any] = {
    "title": "Another title",
    "introduction": "Another introduction.",
    "consent": "Another consent.",
    "seed": 8,
    "votes_wanted": 3,
    "judgements_per_question": 1,
    "matchmaking": "uniform",
    "display_px": 32,
    "upsample": True,
    "prompt_set": "other-words",
    "questions": (QuestionSpec("quality", "Which has the higher quality?", tie=True, both_bad=True),),
    "protocol": Protocol(rules=Rules(failed_checks=2)),
    "systems": tuple(make_system_spec(name, steps=5) for name in ("alpha", "beta", "gamma")),
}


def test_every_key_of_a_study_has_a_change_here() -> None:
    assert {field.name for field in fields(StudySpec)} == {*CHANGES, "slug"}


@pytest.mark.parametrize("key", CHANGES)
def test_the_design_hash_depends_on_everything_else(key: str) -> None:
    make_prompt_set("other-words", ["red", "blue"])
    before = spec_of("before")
    assert hash_of(before) != hash_of(replace(before, slug="after", **{key: CHANGES[key]}))


def test_the_design_hash_depends_on_the_order_of_questions() -> None:
    before = spec_of("before")
    assert hash_of(before) != hash_of(replace(before, slug="after", questions=before.questions[::-1]))


def test_every_pair_of_systems_is_compared_on_every_prompt_under_every_question() -> None:
    study = make_open_study(["red", "green", "blue"], votes_wanted=5)
    comparisons = Comparison.objects.filter(question__study=study)
    assert comparisons.count() == 2 * 3 * 3
    assert set(comparisons.values_list("votes_wanted", "open_leases", "done")) == {(5, 0, 0)}
    for comparison in comparisons.select_related("image_a__job", "image_b__job", "matchup"):
        jobs = (comparison.image_a.job, comparison.image_b.job)
        assert jobs[0].prompt_id == jobs[1].prompt_id
        assert jobs[0].seed == jobs[1].seed
        systems = (comparison.matchup.system_a_id, comparison.matchup.system_b_id)
        assert tuple(sorted(job.system_id for job in jobs)) == systems
    assert set(Matchup.objects.values_list("votes_wanted", flat=True)) == {3 * 5}


def test_comparisons_are_built_once() -> None:
    study = make_open_study(["red", "green"])
    before = list(Comparison.objects.order_by("id").values_list("id", "shuffle"))
    assert build_comparisons(study) == 0
    assert list(Comparison.objects.order_by("id").values_list("id", "shuffle")) == before


def test_one_who_read_the_study_before_another_built_does_not_shorten_its_images() -> None:
    """A worker's periodic task and `generate` build at the same time."""
    study = make_draft(["red", "green"])
    open_study(study)
    wishes = itertools.product(study.systems.all(), study.prompt_set.prompts.all())
    jobs.request([(system, prompt, study.seed + prompt.position) for system, prompt in wishes], study.display_px)
    first, second = (image_jobs(study).filter(prompt__text=text) for text in ("red", "green"))
    for number, job in enumerate(first):
        make_image(job, None if number else PillowImage.frombytes("RGB", (64, 64), randbytes(64 * 64 * 3)))
    early = Study.objects.get(id=study.id)
    build_comparisons(study)
    long = Study.objects.get().padded_bytes
    for job in second:
        make_image(job)
    assert build_comparisons(early) > 0
    assert Study.objects.get().padded_bytes == long > STEP


def test_nothing_is_built_before_opening_and_after_closing() -> None:
    assert build_comparisons(make_draft()) == 0
    study = make_open_study(["red"])
    Comparison.objects.all().delete()
    close_study(study)
    assert build_comparisons(study) == 0


def test_the_seed_of_a_prompt_is_shared_by_all_systems() -> None:
    study = make_open_study(["red", "green", "blue"], seed=100)
    seeds = Counter(image_jobs(study).values_list("prompt__position", "seed"))
    assert seeds == {(0, 100): 3, (1, 101): 3, (2, 102): 3}


def test_studies_with_another_seed_have_other_images() -> None:
    make_open_study(["red"], seed=100)
    first = Study.objects.get()
    second, _ = create_study(replace(make_study_spec(first.prompt_set.slug), seed=200))
    open_study(second)
    assert image_jobs(first).count() == 3
    assert image_jobs(second).count() == 0
