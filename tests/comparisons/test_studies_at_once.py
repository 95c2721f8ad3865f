"""Two who make a study at the same moment, on real connections: one of them does, the other is told, or waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from comparisons.models import Question, Study
from comparisons.studies import SlugTakenError, create_study
from comparisons.study_file import QuestionSpec, StudySpec
from generation.models import System
from people.models import AuditEntry
from tests.comparisons.study_texts import GOOD
from tests.comparisons.unfinished import while_unfinished
from tests.factories import make_prompt_set, make_study_spec, make_system_spec

pytestmark = pytest.mark.django_db(transaction=True)
TAKEN = "slug is 'colours', which another study has; allowed: a name that none has."


@pytest.fixture(autouse=True)
def words(transactional_db: None) -> None:
    make_prompt_set("words", ["red", "green"])


def spec_of(slug: str = "colours", **changes: Any) -> StudySpec:
    return make_study_spec("words", slug=slug, **changes)


def test_of_two_with_one_name_the_second_is_told_and_leaves_nothing() -> None:
    other = spec_of(seed=8, systems=(make_system_spec("delta"), make_system_spec("omega")))

    def make_other() -> str:
        with pytest.raises(SlugTakenError) as refusal:
            create_study(other, must_be_new=True)
        return str(refusal.value)

    (study, _), sentence = while_unfinished(lambda: create_study(spec_of(), must_be_new=True), make_other)
    assert sentence == TAKEN
    assert Study.objects.get() == study
    assert (study.seed, study.questions.count()) == (7, 2)
    assert sorted(System.objects.values_list("slug", flat=True)) == ["alpha@4", "beta@4", "gamma@4"]


def test_the_command_says_so_or_replaces_the_draft_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "colours.toml"
    file.write_text(GOOD, encoding="utf-8")

    def run() -> str:
        try:
            call_command("create_study", file)
        except CommandError as error:
            return str(error)
        return ""

    (study, _), said = while_unfinished(lambda: create_study(spec_of()), run)
    assert said in {"", f"{file}: {TAKEN}"}
    study.refresh_from_db()
    assert (study.title == spec_of().title) == bool(said)
    assert AuditEntry.objects.count() == (0 if said else 1)


def test_a_draft_that_two_replace_is_that_of_the_second() -> None:
    create_study(spec_of())
    first = spec_of(seed=8, questions=(QuestionSpec("taste", "Which?", tie=False, both_bad=False),))
    second = spec_of(seed=9, systems=(make_system_spec("delta"), make_system_spec("omega")))
    while_unfinished(lambda: create_study(first), lambda: create_study(second))
    study = Study.objects.get()
    assert study.seed == 9
    assert sorted(system.slug for system in study.systems.all()) == ["delta@4", "omega@4"]
    assert list(Question.objects.values_list("key", flat=True)) == [question.key for question in second.questions]
    assert System.objects.count() == 2


def test_two_studies_share_the_systems_that_both_bring() -> None:
    turned = spec_of("animals", systems=spec_of().systems[::-1])
    (one, _), (other, _) = while_unfinished(lambda: create_study(spec_of()), lambda: create_study(turned))
    assert set(one.systems.all()) == set(other.systems.all())
    assert System.objects.count() == 3
