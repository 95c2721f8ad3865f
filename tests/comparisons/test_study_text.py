"""A study file that was written from a design reads as the same design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from comparisons.default_texts import DEFAULT_TEXTS
from comparisons.protocol import Checks, Gold, Protocol
from comparisons.study_file import QuestionSpec, StudySpec, read_study, read_table, study_of
from comparisons.study_text import systems_tables, write_study
from generation.catalogue import resolve
from tests.comparisons.drawn_studies import studies
from tests.factories import make_study_spec

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.toml"))


def reread(spec: StudySpec) -> StudySpec:
    return study_of(read_table(write_study(spec.slug, spec.as_design()).encode(), "written"))


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])  # a whole study takes a while to draw
@given(studies())
def test_any_study_is_read_back_from_its_file(spec: StudySpec) -> None:
    again = reread(spec)
    assert again == spec
    assert repr(again.as_design()) == repr(spec.as_design())  # where 1 is neither 1.0 nor true


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_the_ready_made_studies_are_read_back(file: Path) -> None:
    spec = read_study(file)
    assert reread(spec) == spec


def test_gold_pairs_are_written() -> None:
    gold = Gold("quality", "a «red» fox", "alpha@4", "beta@4")
    question = QuestionSpec("quality", "Which is better?", tie=False, both_bad=False, checks=("gold",))
    spec = make_study_spec("words", questions=(question,), protocol=Protocol(checks=Checks(every=5, gold=(gold,))))
    assert reread(spec).protocol.checks.gold == (gold,)


def test_texts_left_to_the_language_are_written_out() -> None:
    """A default that changes in another version must not change what raters of a written file read."""
    texts = DEFAULT_TEXTS["de"]
    spec = make_study_spec("words", title=texts.title, protocol=Protocol(language="de"))
    assert f'title = "{texts.title}"' in write_study(spec.slug, spec.as_design())


def test_a_ready_made_system_is_named_and_its_steps_are_gathered() -> None:
    table: dict[str, Any] = {"catalogue": "lcm-xl", "steps": [1, 2, 4]}
    assert systems_tables(resolve(table)) == [table]


def test_a_file_for_each_number_of_steps_is_gathered_too() -> None:
    table: dict[str, Any] = {"catalogue": "sdxl-lightning", "steps": [2, 4]}
    assert systems_tables(resolve(table)) == [table]


def test_only_what_differs_from_the_entry_is_written() -> None:
    table: dict[str, Any] = {"catalogue": "sdxl", "guidance_scale": 7.5, "steps": 30}
    assert systems_tables(resolve(table)) == [table]


def test_an_entry_whose_stages_were_taken_away_says_so() -> None:
    table: dict[str, Any] = {"catalogue": "if-xl", "width": 64, "height": 64, "arguments": {}, "steps": 100}
    assert systems_tables(resolve(table)) == [table]


def test_an_entry_with_the_model_of_another_is_written_as_a_change_of_it() -> None:
    """As a system of its own it would fall under the limits of the other entry."""
    table: dict[str, Any] = {"catalogue": "sdxl", "name": "ours", "model": "stabilityai/sdxl-turbo", "steps": 50}
    (spec,) = resolve(table)
    (written,) = systems_tables([spec])
    assert resolve(written) == [spec]
