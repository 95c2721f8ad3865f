"""What simulated raters take for true: a strength for each system, or for each image under each question."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from comparisons import strengths
from comparisons.models import Study
from comparisons.studies import StudyError, image_jobs
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db

QUESTIONS = ("prompt-following", "quality")
SYSTEMS = ("alpha@4", "beta@4", "gamma@4")
Row = tuple[str, ...]


@pytest.fixture
def study() -> Study:
    return make_draft(["a red fox", "a paper boat"], slug="bots")


def rows(**changes: str) -> list[Row]:
    """A strength for each image; `changes` replace cells of the last row."""
    table = [(q, s, str(p), f"{n / 8}") for q in QUESTIONS for n, s in enumerate(SYSTEMS) for p in (0, 1)]
    last = dict(zip(strengths.COLUMNS, table.pop(), strict=True)) | changes
    return [*table, tuple(last.values())]


def write(folder: Path, table: list[Row], header: tuple[str, ...] = strengths.COLUMNS) -> Path:
    file = folder / "scores.csv"
    with file.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([header, *table])
    return file


def test_without_any_they_are_spread_evenly_in_an_order_drawn_with_the_seed(study: Study) -> None:
    orders = {tuple(strengths.of_systems(study, [], seed).items()) for seed in range(20)}
    assert {tuple(sorted(number for _, number in order)) for order in orders} == {(-1.0, 0.0, 1.0)}
    assert len(orders) == 6


def test_a_systems_strength_is_that_of_its_images_under_every_question(study: Study) -> None:
    given = [f"{system}={number}" for number, system in enumerate(SYSTEMS)]
    by_image = strengths.everywhere(study, strengths.of_systems(study, given, 0))
    assert len(by_image) == 12
    assert {key[1]: number for key, number in by_image.items()} == {"alpha@4": 0.0, "beta@4": 1.0, "gamma@4": 2.0}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["alpha@4=1"], "--strength is missing for beta@4, gamma@4: give none or all."),
        (["delta@4=1"], "--strength is 'delta@4=1'; allowed: SYSTEM=NUMBER with one of alpha@4, beta@4, gamma@4."),
        (["alpha@4=strong"], "--strength is 'alpha@4=strong'; allowed: a number from -100 to 100."),
        (["alpha@4=nan"], "--strength is 'alpha@4=nan'; allowed: a number from -100 to 100."),
    ],
)
def test_what_is_wrong_with_a_systems_strength_is_said(study: Study, given: list[str], said: str) -> None:
    with pytest.raises(StudyError) as raised:
        strengths.of_systems(study, given, 0)
    assert str(raised.value) == said


def test_a_file_has_one_for_each_image_under_each_question(study: Study, tmp_path: Path) -> None:
    by_image = strengths.from_file(study, write(tmp_path, rows()))
    assert by_image == {(q, s, int(p)): float(strength) for q, s, p, strength in rows()}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (rows(question="beauty"), "row 13: question is 'beauty'; study 'bots' has no such question."),
        (rows(system="delta@4"), "row 13: system is 'delta@4'; study 'bots' has no such system."),
        (rows(prompt_id="2"), "row 13: prompt_id is '2'; study 'bots' has no such prompt_id."),
        (rows(prompt_id="0"), "row 13: quality, gamma@4, 0 has had a row before."),
        (rows(strength="high"), "row 13: strength is 'high'; allowed: a number from -100 to 100."),
        (rows(strength="inf"), "row 13: strength is 'inf'; allowed: a number from -100 to 100."),
        (rows()[:-2], "2 row(s) are missing, the first for quality, gamma@4, 0."),
    ],
)
def test_what_is_wrong_with_a_file_is_said(study: Study, tmp_path: Path, table: list[Row], said: str) -> None:
    with pytest.raises(StudyError) as raised:
        strengths.from_file(study, write(tmp_path, table))
    assert str(raised.value) == f"scores.csv: {said}"


def test_a_file_without_a_column_or_that_is_none(study: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"scores\.csv: no column strength; needed: question, system, prompt_id, st"):
        strengths.from_file(study, write(tmp_path, [], header=("question", "system", "prompt_id", "score")))
    with pytest.raises(StudyError, match=r"absent\.csv cannot be read: No such file"):
        strengths.from_file(study, tmp_path / "absent.csv")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(StudyError, match=r"picture\.png is not a CSV in UTF-8"):
        strengths.from_file(study, tmp_path / "picture.png")


def test_bots_know_pictures_by_the_pixels_that_raters_get(tmp_path: Path) -> None:
    study = make_open_study(["a red fox", "a paper boat"], slug="bots")
    pictures = strengths.truth(study, strengths.from_file(study, write(tmp_path, rows()))).strengths
    assert set(pictures) == set(QUESTIONS)
    assert len(pictures["quality"]) == image_jobs(study).count() == 6
    found = sorted((picture.strength, *picture.prompts) for picture in pictures["quality"].values())
    assert [strength for strength, _ in found] == [0.0, 0.0, 0.125, 0.125, 0.25, 0.25]
    assert {prompt for _, prompt in found} == {"a red fox", "a paper boat"}
