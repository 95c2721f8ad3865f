"""Study files: what they may say, and what is understood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comparisons.default_texts import DEFAULT_TEXTS
from comparisons.protocol import LANGUAGES
from comparisons.study_file import (
    QuestionSpec,
    StudyFileError,
    read_study,
)
from generation.catalogue import catalogue
from tests.comparisons.study_texts import ANOTHER_SYSTEM, GOOD, read

ENGLISH = DEFAULT_TEXTS["en"]
WEIGHTS = Path(__file__).parents[2] / "toyzoo" / "weights"
STUDIES = Path(__file__).parents[2] / "studies"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studies")


def test_the_least_that_a_file_must_say(folder: Path) -> None:
    spec = read(folder, GOOD)
    assert (spec.slug, spec.prompt_set, spec.seed, spec.votes_wanted) == ("colours", "words", 7, 4)
    assert (spec.title, spec.introduction, spec.consent) == (ENGLISH.title, ENGLISH.introduction, ENGLISH.consent)
    assert (spec.judgements_per_question, spec.matchmaking) == (None, "balanced")
    assert (spec.display_px, spec.upsample) == (64, False)
    assert spec.questions == (QuestionSpec("quality", "Which picture is better?", tie=False, both_bad=False),)
    assert [system.slug for system in spec.systems] == ["alpha@1", "alpha@4"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_file_leaves_out_is_said_in_its_language(folder: Path, language: str) -> None:
    spec = read(folder, GOOD.replace("seed = 7", f'seed = 7\nlanguage = "{language}"'))
    texts = DEFAULT_TEXTS[language]
    assert (spec.title, spec.introduction, spec.consent) == (texts.title, texts.introduction, texts.consent)
    assert len({each.consent for each in DEFAULT_TEXTS.values()}) == len(LANGUAGES)


def test_all_that_a_file_may_say(folder: Path) -> None:
    content = GOOD.replace("seed = 7", 'seed = 0\ntitle = " Two pictures "\nintroduction = "Look."\nconsent = "Yes."')
    content = content.replace("= 4\n", '= 1\njudgements_per_question = 12\nmatchmaking = "uniform"\n', 1)
    content = content.replace("size = 64", "size = 256\nupsample = true")
    content = content.replace('better?"', 'better?"\ntie = true\nboth_bad = true')
    spec = read(folder, content + ANOTHER_SYSTEM)
    assert (spec.seed, spec.votes_wanted, spec.judgements_per_question, spec.matchmaking) == (0, 1, 12, "uniform")
    assert (spec.title, spec.introduction, spec.consent) == ("Two pictures", "Look.", "Yes.")
    assert (spec.display_px, spec.upsample) == (256, True)
    assert spec.questions == (QuestionSpec("quality", "Which picture is better?", tie=True, both_bad=True),)
    assert [system.slug for system in spec.systems] == ["alpha@1", "alpha@4", "beta@50"]


def test_the_demo_study() -> None:
    spec = read_study(STUDIES / "demo.toml")
    assert spec.slug == "demo"
    assert [question.key for question in spec.questions] == ["prompt-following", "quality"]
    folders = {system.model for system in spec.systems} | {system.unet for system in spec.systems if system.unet}
    folders |= {str(system.arguments["stage_2_model"]) for system in spec.systems if system.name == "toy-if-xl"}
    published = {f"./toyzoo/{folder.name}" for folder in WEIGHTS.iterdir()}
    assert folders == published
    assert {system.steps for system in spec.systems if system.name == "toy-sdxl"} == {1, 4, 25}


def test_the_study_of_the_announcement() -> None:
    spec = read_study(STUDIES / "sdxl_turbo.toml")
    assert [system.slug for system in spec.systems] == [
        "sdxl-turbo@1",
        "sdxl-turbo@4",
        "sdxl@50",
        "lcm-xl@1",
        "lcm-xl@2",
        "lcm-xl@4",
        "if-xl@100",
        "openmuse@16",
        "stylegan-t-pp@1",
    ]
    assert [question.key for question in spec.questions] == ["prompt-following", "quality"]
    assert (spec.votes_wanted, spec.display_px, spec.prompt_set) == (4, 512, "parti-100")


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(str.strip)
STARTS = {name[:3] for name in ("steps", "zyx", *catalogue())}
INNOCENT_TEXTS = TEXTS.filter(lambda text: not any(start in text.lower() for start in STARTS))


@given(title=INNOCENT_TEXTS, wording=INNOCENT_TEXTS)
def test_any_text_is_read_as_it_was_written(folder: Path, title: str, wording: str) -> None:
    content = GOOD.replace("= 7", f"= 7\ntitle = {json.dumps(title, ensure_ascii=False)}").replace(
        '"Which picture is better?"', "WORDING"
    )
    content = (
        content.replace("alpha", "zyx-1")
        .replace("first-model", "zyx-2")
        .replace("WORDING", json.dumps(wording, ensure_ascii=False))
    )
    spec = read(folder, content)
    assert (spec.title, spec.questions[0].wording) == (title.strip(), wording.strip())


@given(start=st.integers(0, len(GOOD)), length=st.integers(0, 40), text=TEXTS)
def test_a_damaged_file_is_read_or_gets_one_sentence(folder: Path, start: int, length: int, text: str) -> None:
    damaged = GOOD[:start] + text + GOOD[start + length :]
    try:
        read(folder, damaged)
    except StudyFileError as error:
        file, _, sentence = str(error).partition(": ")
    else:
        return
    assert file == str(folder / "study.toml")
    assert "\n" not in sentence
