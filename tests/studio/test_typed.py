"""What the form says and what a study file says are the same, whichever way one goes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from comparisons.study_file import StudySpec, study_of
from comparisons.study_text import study_table
from generation import systems
from generation.systems import SpecError
from studio.sections import FIELDS, GROUPS, SECTIONS
from studio.typed import (
    check,
    content_of,
    numbered,
    place_of,
    rows,
    table_of,
    typed_in,
    with_row,
    with_row_moved_up,
    without_row,
)
from tests.comparisons.drawn_studies import studies

TABLE: dict[str, Any] = {
    "slug": "mine",
    "prompt_set": "animals",
    "seed": 7,
    "rating": {"votes_wanted": 4},
    "questions": [{"key": "quality", "wording": "Which is better?"}],
    "systems": [{"catalogue": "sdxl-turbo", "steps": [1, 4]}, {"catalogue": "sdxl", "steps": 50}],
}


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])  # a whole study takes a while to draw
@given(studies())
def test_any_study_survives_the_form(spec: StudySpec) -> None:
    content = content_of(study_table(spec.slug, spec.as_design()))
    again, problems = check(content)
    assert problems == []
    assert again is not None
    assert repr(again.as_design()) == repr(spec.as_design())
    assert again.slug == spec.slug


def test_every_key_of_a_study_file_has_a_field() -> None:
    """The parser names all keys that it knows when it meets one that it does not."""
    for place in ("", "rating", "display", "rules", "checks", "recruitment", "questions", "systems", "examples"):
        table: dict[str, Any] = table_of(content_of(TABLE)) | {"instructions": "Look."}
        table["examples"] = [{"question": "quality", "prompt": "a fox", "better": "sdxl@50", "worse": "sdxl-turbo@1"}]
        table["examples"][0]["why"] = "It is sharper."
        inner = table.setdefault(place, {}) if place else table
        (inner[0] if isinstance(inner, list) else inner)["nonsense"] = 1
        with pytest.raises(SpecError, match="not a known key") as refused:
            study_of(table)
        if place == "systems":
            continue  # that one names the closest key alone
        known = str(refused.value).partition("allowed: ")[2].split(", ")
        prefix = f"{place}." if place and place not in GROUPS else ""
        fields = {field.key for field in GROUPS[place].fields} if place in GROUPS else set(FIELDS)
        tables = {"rating", "display", "rules", "checks", "recruitment"} if not place else set()
        assert {f"{prefix}{key}" for key in known} - tables <= fields | set(GROUPS)


def test_every_key_of_a_system_has_a_field() -> None:
    assert {field.key for field in GROUPS["systems"].fields} == {"catalogue", *systems.FIELDS}


def test_names_are_said_once() -> None:
    keys = [field.key for section in SECTIONS for field in section.fields]
    assert len(keys) == len(set(keys))


def test_what_a_browser_sends_is_read_by_name() -> None:
    posted = {"slug": ["mine"], "introduction": ["one\r\n\r\ntwo\0"], "questions[1].checks": ["same", "gold"]}
    posted |= {"csrfmiddlewaretoken": ["x"], "questions[0].key": ["x"], "nonsense[1].key": ["x"]}
    assert typed_in(posted, posted.__getitem__) == {
        "slug": "mine",
        "introduction": "one\n\ntwo",
        "questions[1].checks": ["same", "gold"],
    }


def test_rows_are_numbered_without_gaps() -> None:
    content = numbered({"systems[3].steps": "3", "systems[7].steps": "7", "slug": "mine"})
    assert content == {"systems[1].steps": "3", "systems[2].steps": "7", "slug": "mine"}


def test_a_row_is_added_last_with_all_its_fields() -> None:
    content = with_row(content_of(TABLE), "systems", {"backend": "imported", "steps": 1})
    assert rows(content, "systems") == [1, 2, 3]
    assert content["systems[3].backend"] == "imported"
    assert content["systems[3].model"] == ""


def test_a_row_is_removed_and_the_others_close_ranks() -> None:
    content = without_row(content_of(TABLE), "systems[1]")
    assert rows(content, "systems") == [1]
    assert content["systems[1].catalogue"] == "sdxl"


def test_a_row_moves_up_with_all_that_belongs_to_it() -> None:
    content = content_of(TABLE)
    moved = with_row_moved_up(content, "systems", 2)
    assert (moved["systems[1].catalogue"], moved["systems[2].catalogue"]) == ("sdxl", "sdxl-turbo")
    assert moved["questions[1].key"] == "quality"
    assert with_row_moved_up(moved, "systems", 2) == content
    assert with_row_moved_up(content, "systems", 1) == content


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("seed", " 7 ", 7),
        ("seed", "seven", "seven"),
        ("seed", "", None),
        ("rules.agreement", "0.5", 0.5),
        ("rules.agreement", "half", "half"),
        ("title", "  Pictures  ", "Pictures"),
    ],
)
def test_a_text_stands_for_a_value(name: str, text: str, value: object) -> None:
    assert FIELDS[name].read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1, 4", [1, 4]), ("50", 50), ("", None), ("one", "one"), ("1 2;4", [1, 2, 4])],
)
def test_steps_are_one_number_or_several(text: str, value: object) -> None:
    (steps,) = [field for field in GROUPS["systems"].fields if field.key == "steps"]
    assert steps.read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [('class = "LCMScheduler"', {"class": "LCMScheduler"}), ("{}", {}), ("", None), ("class LCM", "class LCM")],
)
def test_a_table_is_lines_of_toml(text: str, value: object) -> None:
    (arguments,) = [field for field in GROUPS["systems"].fields if field.key == "arguments"]
    assert arguments.read(text) == value


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("rating.votes_wanted", "rating.votes_wanted"),
        ("systems[2].scheduler.class", "systems[2].scheduler"),
        ("systems[2].nonsense", "systems[2]"),
        ("systems", "systems"),
        ("checks.gold", "checks.gold"),
        ("nonsense", ""),
    ],
)
def test_a_key_leads_to_the_field_row_or_group_that_shows_it(key: str, place: str) -> None:
    assert place_of(key, content_of(TABLE)) == place


def test_an_option_is_where_its_list_is() -> None:
    content = with_row(
        content_of(TABLE), "comprehension", {"question": "How many?", "options": ["1", "2"], "answer": 1}
    )
    assert place_of("comprehension[1].options[2]", content) == "comprehension[1].options"


def test_several_mistakes_are_found_at_once() -> None:
    content = content_of(TABLE) | {
        "slug": "My Study",
        "rating.votes_wanted": "0",
        "systems[1].steps": "9",
        "questions[1].wording": "Is SDXL better?",
        "rules.fast_share": "2",
        "recruitment.platform": "prolific",
    }
    spec, problems = check(content)
    assert spec is None
    assert {problem.place: problem.sentence for problem in problems} == {
        "slug": "Found 'My Study'; allowed: 1 to 100 lower-case letters, digits and '-', the first a letter or digit.",
        "rating.votes_wanted": "Found 0; allowed: a whole number from 1 to 10000.",
        "systems[1].steps": "Found 9; allowed: 1, 2, 3, 4, the only numbers of steps that sdxl-turbo is made for.",
        "questions[1].wording": "Found 'Is SDXL better?', which names 'sdxl'; "
        "allowed: a text that tells raters nothing about the systems.",
        "rules.fast_share": "Found 2; allowed: a number above 0 and below 1.",
        "recruitment.complete_code": "Missing; allowed: the code that Prolific knows for this ending.",
        "recruitment.screened_out_code": "Missing; allowed: the code that Prolific knows for this ending.",
        "recruitment.failed_code": "Missing; allowed: the code that Prolific knows for this ending.",
    }


def test_an_empty_form_says_what_is_missing() -> None:
    spec, problems = check({})
    assert spec is None
    assert {problem.place for problem in problems} >= {"slug", "prompt_set", "seed", "rating.votes_wanted", "questions"}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"checks.every": "", "questions[1].checks": ["same"]}, "checks.every"),
        ({"rules.fast_share": "0.2"}, "rules.response_floor_ms"),
        ({"display.size": "4000"}, "display.size"),
        ({"questions[1].checks": ["gold"], "checks.every": "5"}, "checks.gold"),
        ({"systems[2].catalogue": "sdxl-turbo", "systems[2].steps": "4"}, "systems"),
        ({"systems[2].scheduler": "class = 3"}, "systems[2].scheduler"),
    ],
)
def test_a_mistake_between_two_fields_is_shown_at_one(changes: dict[str, Any], place: str) -> None:
    _, problems = check(content_of(TABLE) | changes)
    assert [problem.place for problem in problems] == [place]
