"""The commands of a researcher: what they print, what they refuse, and what a second run does."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from comparisons.asking import NO_BROKER
from comparisons.models import Comparison, Study
from comparisons.studies import build_comparisons, image_jobs
from generation import jobs
from generation.models import ImageJob, PromptSet
from tests.comparisons.study_texts import ANOTHER_SYSTEM, GOOD
from tests.factories import make_draft, make_image, make_open_study, make_prompt_set, make_system_spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; return the lines that it prints."""

    def run(*arguments: object) -> list[str]:
        call_command(*map(str, arguments))
        return capsys.readouterr().out.splitlines()

    return run


def refusal(*arguments: object) -> str:
    with pytest.raises(CommandError) as refused:
        call_command(*map(str, arguments))
    return str(refused.value)


@pytest.fixture
def prompt_file(tmp_path: Path) -> Path:
    file = tmp_path / "words.tsv"
    rows = [("red", "Colours", "Basic"), ("green", "Colours", "Simple Detail"), ("oak", "Trees", "Imagination")]
    file.write_text("Prompt\tCategory\tChallenge\n" + "".join("\t".join(row) + "\n" for row in rows))
    return file


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    make_prompt_set("words", ["red", "green"])
    file = tmp_path / "study.toml"
    file.write_text(GOOD + ANOTHER_SYSTEM)
    return file


def test_import_prompts(run: Any, prompt_file: Path) -> None:
    assert run("import_prompts", prompt_file, "--set", "words") == ["Prompt set words: 3 prompts, imported."]
    stored = PromptSet.objects.get()
    assert (stored.slug, stored.source) == ("words", "words.tsv")
    assert list(stored.prompts.values_list("position", "text", "category", "challenge")) == [
        (0, "red", "Colours", "Basic"),
        (1, "green", "Colours", "Simple Detail"),
        (2, "oak", "Trees", "Imagination"),
    ]


def test_import_prompts_again_does_nothing(run: Any, prompt_file: Path) -> None:
    run("import_prompts", prompt_file, "--set", "words")
    assert run("import_prompts", prompt_file, "--set", "words") == ["Prompt set words: 3 prompts, is there already."]
    assert PromptSet.objects.count() == 1


def test_import_some_prompts(run: Any, prompt_file: Path) -> None:
    options = ["--exclude-challenge", "Basic", "--exclude-challenge", "Imagination", "--sample", "1", "--seed", "3"]
    assert run("import_prompts", prompt_file, "--set", "few", *options) == ["Prompt set few: 1 prompts, imported."]
    stored = PromptSet.objects.get()
    assert stored.source == "words.tsv, without Basic, Imagination, 1 drawn with seed 3"
    assert [prompt.text for prompt in stored.prompts.all()] == ["green"]


def test_a_prompt_set_never_changes(run: Any, prompt_file: Path) -> None:
    run("import_prompts", prompt_file, "--set", "words")
    assert refusal("import_prompts", prompt_file, "--set", "words", "--sample", "2") == (
        "--set is 'words', which exists with other prompts (3 from words.tsv): "
        "a prompt set never changes, so give this one another name."
    )
    assert PromptSet.objects.get().prompts.count() == 3


def test_bad_prompts_are_refused(prompt_file: Path) -> None:
    assert refusal("import_prompts", prompt_file.with_name("no.tsv"), "--set", "words") == (
        "no.tsv: cannot be read (No such file or directory)"
    )
    assert refusal("import_prompts", prompt_file, "--set", "My words").startswith("--set is 'My words'; allowed: ")
    assert refusal("import_prompts", prompt_file, "--set", "words", "--exclude-challenge", "basic").startswith(
        "challenge 'basic' to exclude occurs nowhere; "
    )
    assert not PromptSet.objects.exists()


def test_create_study(run: Any, study_file: Path) -> None:
    created = "Study colours: 3 systems, 2 prompts, 1 question(s). Next: manage.py open_study colours"
    assert run("create_study", study_file) == [created]
    assert run("create_study", study_file) == ["Study colours is there already, unchanged (Draft)."]
    study_file.write_text(GOOD)
    assert run("create_study", study_file) == [created.replace("3 systems", "2 systems")]
    assert Study.objects.count() == 1


def test_create_study_names_the_file_in_every_refusal(study_file: Path) -> None:
    study_file.write_text(GOOD.replace("words", "nowhere"))
    assert refusal("create_study", study_file) == (
        f"{study_file}: prompt_set is 'nowhere', which does not exist: "
        "import it first with import_prompts FILE --set nowhere."
    )
    study_file.write_text("")
    assert refusal("create_study", study_file).startswith(f"{study_file}: slug is missing; allowed: ")
    assert not Study.objects.exists()


def test_open_study(run: Any) -> None:
    study = make_draft(slug="colours")
    first = run("open_study", "colours")
    study.refresh_from_db()
    assert first == [
        "Study colours is open.",
        f"Design hash: {study.design_hash}",
        f"Raters' address: /r/{study.key}/",
        "Next: manage.py generate colours --wait",
    ]
    assert run("open_study", "colours") == ["Study colours is open already.", *first[1:]]


def test_close_study(run: Any) -> None:
    make_draft(slug="colours")
    assert refusal("close_study", "colours") == "Study 'colours' is a draft: only an open study can be closed."
    run("open_study", "colours")
    assert run("close_study", "colours") == ["Study colours is closed."]
    assert run("close_study", "colours") == ["Study colours is closed already."]
    assert refusal("open_study", "colours") == "Study 'colours' is closed: closed studies stay closed."


@pytest.mark.parametrize("command", ["open_study", "close_study", "generate"])
def test_an_unknown_study_is_refused(command: str) -> None:
    make_draft(slug="colours")
    assert refusal(command, "colors") == "There is no study 'colors'; existing: colours."


def test_generate_asks_for_every_image_once(run: Any) -> None:
    make_draft(["red", "green"], slug="colours")
    run("open_study", "colours")
    working = "The worker makes them now, and pairs can be judged as they come."
    assert run("generate", "colours") == ["6 new, 0 to try again, 6 in all.", working]
    assert run("generate", "colours") == ["0 new, 0 to try again, 6 in all.", working]
    assert ImageJob.objects.count() == 6


def test_generate_some_systems(run: Any) -> None:
    make_draft(["red", "green"], slug="colours")
    run("open_study", "colours")
    assert run("generate", "colours", "--system", "beta@4")[0] == "2 new, 0 to try again, 2 in all."
    assert run("generate", "colours", "--system", "beta@4", "--system", "alpha@4")[0] == (
        "2 new, 0 to try again, 4 in all."
    )
    assert refusal("generate", "colours", "--system", "beta") == (
        "--system is 'beta'; study 'colours' has: alpha@4, beta@4, gamma@4."
    )


def test_generate_with_nothing_left_to_do(run: Any) -> None:
    make_open_study(["red"], slug="colours")
    assert run("generate", "colours") == ["0 new, 0 to try again, 3 in all."]
    assert run("generate", "colours", "--wait") == [
        "0 new, 0 to try again, 3 in all.",
        "3 images are there, and 6 comparisons are ready to be judged.",
    ]


def test_generate_builds_the_comparisons_of_the_last_images(run: Any) -> None:
    study = make_open_study(["red"], slug="colours")
    Comparison.objects.all().delete()
    assert run("generate", "colours", "--wait")[1:] == ["3 images are there, and 6 comparisons are ready to be judged."]
    assert Comparison.objects.filter(question__study=study).count() == 6


def test_generate_shows_the_pace_and_the_time_left(
    run: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_draft(["red", "green"], slug="colours")
    run("open_study", "colours")
    run("generate", "colours")
    waiting, sleep = list(image_jobs(study).order_by("id")), time.sleep

    def make_one(seconds: float) -> None:
        sleep(0.15)  # the bar is drawn ten times a second
        make_image(waiting.pop())

    monkeypatch.setattr("comparisons.management.commands.generate.time.sleep", make_one)
    call_command("generate", "colours", "--wait")
    drawn = capsys.readouterr().err.split("\r")
    assert any(re.search(r" 3/6 \[\d\d:\d\d<\d\d:\d\d, +[\d.]+ images/s\]", bar) for bar in drawn), drawn
    assert re.search(r"100%.* 6/6 ", drawn[-1])


def test_generate_lists_what_failed_and_tries_it_again(run: Any) -> None:
    study = make_draft(["red", "green"], slug="colours")
    run("open_study", "colours")
    run("generate", "colours")
    first, *others = image_jobs(study).order_by("system__slug", "id")
    _, (claimed,) = jobs.claim(first.system_id, [first.id], limit=1)
    assert jobs.fail(claimed, "model './alpha' is no folder")
    for job in others:
        make_image(job)
    assert refusal("generate", "colours", "--wait") == (
        "1 image failed:\n"
        "  alpha@4, prompt 0: model './alpha' is no folder\n"
        "When that is mended, try again with: manage.py generate colours --retry --wait"
    )
    build_comparisons(study)
    assert Comparison.objects.count() == 2 * (1 + 3)
    assert "0 new, 1 to try again, 6 in all." in run("generate", "colours", "--retry")
    assert image_jobs(study).filter(state=ImageJob.State.QUEUED).count() == 1


def fail_all(study: Study, reasons: dict[str, str]) -> None:
    """Fail every image for its system's reason, else for one of its own."""
    for job in image_jobs(study).select_related("system", "prompt").order_by("id"):
        _, (claimed,) = jobs.claim(job.system_id, [job.id], limit=1)
        assert jobs.fail(claimed, reasons.get(job.system.slug, f"{job.system.slug}: {job.prompt.text} is cursed"))


def test_generate_says_every_reason_once(run: Any) -> None:
    study = make_draft(["red", "green", "oak"], slug="colours")
    run("open_study", "colours")
    run("generate", "colours")
    fail_all(study, {"alpha@4": "alpha@4: model is torn", "beta@4": "no room"})
    assert refusal("generate", "colours", "--wait").splitlines() == [
        "9 images failed:",
        "  alpha@4, prompt 0 and 2 others: model is torn",
        "  beta@4, prompt 0 and 2 others: no room",
        "  gamma@4, prompt 0: red is cursed",
        "  gamma@4, prompt 1: green is cursed",
        "  gamma@4, prompt 2: oak is cursed",
        "When that is mended, try again with: manage.py generate colours --retry --wait",
    ]


def test_generate_lists_ten_reasons_at_most(run: Any) -> None:
    study = make_draft([f"{number} cats" for number in range(4)], slug="colours")
    run("open_study", "colours")
    run("generate", "colours")
    fail_all(study, {})
    listed = refusal("generate", "colours", "--wait").splitlines()
    assert len(listed) == 1 + 10 + 1 + 1
    assert listed[-2] == "  and for 2 other reasons"


def test_generate_refuses_a_draft() -> None:
    make_draft(slug="colours")
    assert refusal("generate", "colours") == "Study 'colours' is a draft: open it first with open_study colours."
    assert not ImageJob.objects.exists()


def test_generate_names_the_systems_that_are_made_elsewhere(run: Any) -> None:
    painter = make_system_spec("alpha")
    other = make_system_spec("hosted", backend="imported")
    make_draft(["red"], slug="colours", systems=(painter, other))
    run("open_study", "colours")
    assert refusal("generate", "colours", "--system", "hosted@4", "--system", "alpha@4") == (
        "hosted@4 is made elsewhere: bring its images with import_images STUDY manifest.csv.\n"
        "Nothing was queued. Name the others with --system to make them now."
    )
    assert not ImageJob.objects.exists()
    assert run("generate", "colours")[0] == "1 new, 0 to try again, 1 in all."


@pytest.mark.django_db(transaction=True)
def test_generate_without_a_broker_keeps_the_jobs(run: Any) -> None:
    make_draft(["red", "green"], slug="colours")
    run("open_study", "colours")
    for _ in range(2):
        sentence = refusal("generate", "colours")
        assert sentence.startswith(f"{NO_BROKER} What was found: ")
        assert "\n" not in sentence
    assert ImageJob.objects.filter(state=ImageJob.State.QUEUED).count() == 6
