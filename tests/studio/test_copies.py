"""Working copies: nothing typed is lost, and what is saved is exactly what the form says."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from comparisons.models import Study
from comparisons.studies import create_study, design_hash, open_study
from comparisons.study_file import StudyFileError, read_study
from comparisons.study_text import write_study
from people.models import AuditEntry, Membership
from studio import copies
from studio.copies import DesignError, Overtaken, UnkeptError
from studio.models import WorkingCopy
from studio.typed import check
from tests.factories import make_draft, make_prompt_set, make_study_spec, make_system_spec
from tests.studio.conftest import change

pytestmark = pytest.mark.django_db
STUDIES = Path(__file__).parents[2] / "studies"


def refusals(copy: WorkingCopy, user: User) -> dict[str, str]:
    with pytest.raises(DesignError) as refused:
        copies.save_study(copy, user)
    return {problem.place: problem.sentence for problem in refused.value.problems}


def test_a_new_design_lacks_a_name_and_prompts_alone(ana: User) -> None:
    _, problems = check(copies.begin(ana).content)
    assert {problem.place for problem in problems} == {"slug", "prompt_set"}


def test_what_was_typed_is_kept_as_it_is(copy: WorkingCopy) -> None:
    change(copy, slug="Not A Slug", rating__votes_wanted="many")
    stored = WorkingCopy.objects.get()
    assert stored.content["slug"] == "Not A Slug"
    assert stored.content["rating.votes_wanted"] == "many"


def test_of_two_windows_the_second_is_told(copy: WorkingCopy) -> None:
    before = copy.version
    change(copy, title="From one window")
    with pytest.raises(Overtaken):
        copies.keep(copy, copy.content | {"title": "From the other"}, before)
    assert WorkingCopy.objects.get().content["title"] == "From one window"


def test_saving_makes_a_draft_whose_owner_is_who_saved_it(copy: WorkingCopy, ana: User) -> None:
    study = copies.save_study(copy, ana)
    assert (study.slug, study.state, study.systems.count()) == ("mine", "draft", 3)
    assert Membership.objects.get(study=study).role == Membership.Role.OWNER
    assert list(AuditEntry.objects.order_by("id").values_list("verb", "study_slug", "actor")) == [
        ("granted", "mine", ana.id),
        ("created", "mine", ana.id),
    ]
    assert WorkingCopy.objects.get().study == study


def test_the_study_of_the_form_is_that_of_its_file(copy: WorkingCopy, ana: User, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(copies.as_file(copy), encoding="utf-8")
    study = copies.save_study(copy, ana)
    same, is_changed = create_study(read_study(file))
    assert (same, is_changed) == (study, False)
    file.write_text(write_study(study.slug, study.design), encoding="utf-8")
    assert create_study(read_study(file)) == (study, False)


@pytest.mark.parametrize("name", ["demo.toml", "sdxl_turbo.toml"])
def test_a_study_file_goes_through_the_form_unchanged(name: str, ana: User) -> None:
    spec = read_study(STUDIES / name)
    make_prompt_set(spec.prompt_set)
    copy = copies.begin_from_file(ana, (STUDIES / name).read_bytes(), name)
    assert copies.save_study(copy, ana).design == create_study(spec)[0].design


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"slug = ", "s.toml: not valid TOML: Invalid value (at end of document)."),
        (b"\xff", "s.toml: cannot be read as UTF-8 text: 'utf-8' codec can't decode byte 0xff in position 0"),
        (b"title = 3", "s.toml: slug is missing; allowed: 1 to 100 lower-case letters"),
        (b" " * 2_000_001, "s.toml: has 2000001 bytes; allowed: 2000000."),
    ],
)
def test_a_file_that_is_no_study_is_refused_in_a_sentence(content: bytes, sentence: str, ana: User) -> None:
    with pytest.raises(StudyFileError) as refused:
        copies.begin_from_file(ana, content, "s.toml")
    assert str(refused.value).startswith(sentence)
    assert not WorkingCopy.objects.exists()


def test_a_file_that_the_form_would_change_is_refused(ana: User) -> None:
    content = (STUDIES / "demo.toml").read_text()
    content = content.replace("seed = 7", 'seed = 7\ninstructions = "Look."') + (
        '\n[[comprehension]]\nquestion = "How?"\noptions = ["a\\nb", "c"]\nanswer = 1\n'
    )
    with pytest.raises(StudyFileError, match=r"has a text in comprehension\[1\]\.options that the form would change"):
        copies.begin_from_file(ana, content.encode(), "s.toml")


def test_saving_again_changes_the_same_draft(copy: WorkingCopy, ana: User) -> None:
    study = copies.save_study(copy, ana)
    change(copy, slug="renamed", rating__votes_wanted="7")
    again = copies.save_study(copy, ana)
    assert (again.pk, again.key, again.slug, again.votes_wanted) == (study.pk, study.key, "renamed", 7)
    assert Study.objects.count() == Membership.objects.count() == 1
    entry = AuditEntry.objects.latest("id")
    assert (entry.verb, entry.study_slug, entry.details) == ("changed", "renamed", {"before": "mine"})
    copies.save_study(copy, ana)
    assert AuditEntry.objects.latest("id").details == {}


def test_what_cannot_be_saved_changes_nothing(copy: WorkingCopy, ana: User) -> None:
    study = copies.save_study(copy, ana)
    before = Study.objects.get().design
    change(copy, slug="renamed", rating__votes_wanted="0")
    assert refusals(copy, ana) == {"rating.votes_wanted": "Found 0; allowed: a whole number from 1 to 10000."}
    assert (Study.objects.get().slug, Study.objects.get().design) == (study.slug, before)


def test_the_name_of_somebody_else_s_study_is_refused(copy: WorkingCopy, ana: User) -> None:
    theirs = make_draft(slug="theirs")
    change(copy, slug="theirs")
    expected = {"slug": "Found 'theirs', which another study has; allowed: a name that none has."}
    assert refusals(copy, ana) == expected
    theirs.refresh_from_db()
    change(copy, slug="mine")
    copies.save_study(copy, ana)
    change(copy, slug="theirs")
    assert refusals(copy, ana) == expected


def test_prompts_that_are_not_there_are_named(copy: WorkingCopy, ana: User) -> None:
    change(copy, prompt_set="plants")
    sentence = "Found 'plants', of which there are no prompts here; allowed: one of the list, or bring them first."
    assert refusals(copy, ana) == {"prompt_set": sentence}


def test_what_the_database_refuses_is_shown_at_its_field(copy: WorkingCopy, ana: User) -> None:
    pair = {"question": "quality", "prompt": "a unicorn", "better": "sdxl@50", "worse": "sdxl-turbo@1"}
    typed = {f"checks.gold[1].{name}": text for name, text in pair.items()}
    copies.keep(copy, copy.content | typed | {"questions[2].checks": ["gold"]}, copy.version)
    assert refusals(copy, ana) == {
        "checks.gold[1].prompt": "checks.gold[1].prompt is 'a unicorn'; allowed: a prompt of 'animals'."
    }
    assert copies.trial(copy, ana)[0].place == "checks.gold[1].prompt"


def test_a_system_that_is_here_with_other_settings_is_named(copy: WorkingCopy, ana: User) -> None:
    make_draft(systems=(make_system_spec("sdxl", steps=50), make_system_spec("beta")))
    assert refusals(copy, ana)["systems"].startswith("system 'sdxl@50' exists with other settings (changed: ")


def test_a_trial_saves_nothing(copy: WorkingCopy, ana: User) -> None:
    assert copies.trial(copy, ana) == []
    assert not Study.objects.exists()
    assert not AuditEntry.objects.exists()
    assert (copy.study, WorkingCopy.objects.get().study) == (None, None)


def test_an_opened_study_is_not_changed_by_a_form_that_was_left_open(copy: WorkingCopy, ana: User) -> None:
    open_study(copies.save_study(copy, ana))
    change(copy, slug="another")
    copy = WorkingCopy.objects.select_related("study").get()
    assert refusals(copy, ana) == {"": "Study 'mine' is open, and its design frozen: make a new version of it."}
    assert list(Study.objects.values_list("slug", flat=True)) == ["mine"]


def test_a_draft_from_a_file_has_a_form_with_all_that_it_says(ana: User) -> None:
    study = make_draft(slug="from-a-file")
    copy = copies.copy_of(study, ana)
    assert copies.copy_of(study, ana) == copy
    assert copies.save_study(copy, ana).design == study.design


@pytest.mark.parametrize("text", ["one\rtwo", "one\r\ntwo"])
def test_a_text_with_carriage_returns_stays_out_of_the_form(text: str, ana: User) -> None:
    """Browsers end the lines of a form in their own way."""
    study = make_draft(slug="typewriter", introduction=text)
    with pytest.raises(UnkeptError, match=r"^typewriter has a text in introduction that the form would change"):
        copies.copy_of(study, ana)
    copy = copies.copy_of(make_draft(slug="lines", introduction="one\ntwo"), ana)
    assert copy.content["introduction"] == "one\ntwo"


def test_a_form_that_is_there_is_found_whatever_the_draft_has_become(copy: WorkingCopy, ana: User) -> None:
    study = copies.save_study(copy, ana)
    create_study(make_study_spec("animals", slug="mine", introduction="one\rtwo"))
    study.refresh_from_db()
    assert copies.copy_of(study, ana) == copy


def test_a_draft_that_was_changed_by_other_means_is_told_apart(copy: WorkingCopy, ana: User) -> None:
    study = copies.save_study(copy, ana)
    assert not copies.has_strayed(copy)
    spec = make_study_spec("animals", slug="mine")
    create_study(spec)
    copy = WorkingCopy.objects.select_related("study").get()
    assert copies.has_strayed(copy)
    copies.take_from_study(copy)
    assert not copies.has_strayed(copy)
    assert copy.content["title"] == spec.title
    assert copies.save_study(copy, ana).pk == study.pk


def test_a_new_version_says_the_same_under_another_name(ana: User) -> None:
    study = make_draft(slug="one")
    open_study(study)
    copy = copies.begin_version(study, ana)
    assert (copy.content["slug"], copy.predecessor) == ("one-v2", study)
    newer = copies.save_study(copy, ana)
    assert (newer.design, newer.state) == (study.design, "draft")
    assert design_hash(newer) == study.design_hash
    assert copies.begin_version(newer, ana).content["slug"] == "one-v3"
