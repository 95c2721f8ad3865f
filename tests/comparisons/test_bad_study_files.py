"""The exact sentence about every mistake that a study file can have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from comparisons.study_file import StudyFileError
from tests.comparisons.study_texts import ANOTHER_SYSTEM, GOOD, read

SLUG = "1 to 100 lower-case letters, digits and '-', the first a letter or digit"
ROOT_KEYS = (
    "rating, display, slug, title, introduction, consent, prompt_set, seed, questions, systems, "
    "language, instructions, examples, comprehension, checks, rules, recruitment"
)
NEUTRAL = "a text that tells raters nothing about the systems"

BAD: dict[str, tuple[str, str, str]] = {
    "no slug": ('slug = "colours"', "", f"slug is missing; allowed: {SLUG}."),
    "slug of another kind": ('"colours"', "7", f"slug is 7; allowed: {SLUG}."),
    "empty slug": ('"colours"', '""', f"slug is ''; allowed: {SLUG}."),
    "slug with capitals": ('"colours"', '"Colours"', f"slug is 'Colours'; allowed: {SLUG}."),
    "slug that begins with a dash": ('"colours"', '"-colours"', f"slug is '-colours'; allowed: {SLUG}."),
    "slug with a line break": ('"colours"', '"colours\\n"', f"slug is 'colours\\n'; allowed: {SLUG}."),
    "slug too long": ('"colours"', f'"{"c" * 101}"', f"slug is '{'c' * 101}'; allowed: {SLUG}."),
    "no prompt set": ('prompt_set = "words"', "", f"prompt_set is missing; allowed: {SLUG}."),
    "bad prompt set": ('"words"', '"my words"', f"prompt_set is 'my words'; allowed: {SLUG}."),
    "no seed": ("seed = 7", "", f"seed is missing; allowed: a whole number from 0 to {2**53}."),
    "seed of another kind": ("= 7", "= 7.0", f"seed is 7.0; allowed: a whole number from 0 to {2**53}."),
    "seed that is a switch": ("= 7", "= true", f"seed is True; allowed: a whole number from 0 to {2**53}."),
    "negative seed": ("= 7", "= -1", f"seed is -1; allowed: a whole number from 0 to {2**53}."),
    "seed too large": ("= 7", f"= {2**53 + 1}", f"seed is {2**53 + 1}; allowed: a whole number from 0 to {2**53}."),
    "empty title": ("= 7", '= 7\ntitle = " "', "title is ' '; allowed: a text of 1 to 200 characters."),
    "title that cannot be stored": (
        "= 7",
        '= 7\ntitle = "a\\u0000"',
        "title is 'a\\x00'; allowed: texts without the character NUL.",
    ),
    "number that no database holds": (
        'name = "alpha"',
        f'name = "alpha"\narguments = {{ x = 0x{"f" * 4000} }}',
        "systems[1].arguments.x is a number of 16000 bits; allowed: whole numbers of 64 bits.",
    ),
    "guidance that no float holds": (
        'name = "alpha"',
        f'name = "alpha"\nguidance_scale = 1{"0" * 400}',
        "systems[1].guidance_scale is a number of 1329 bits; allowed: whole numbers of 64 bits.",
    ),
    "lists in lists": (
        "= 7",
        f"= 7\nx = {'[' * 30}{']' * 30}",
        f"x{'[1]' * 20} is nested more than 20 deep; allowed: at most 20 levels.",
    ),
    "argument that cannot be stored": (
        'name = "alpha"',
        'name = "alpha"\narguments = { x = "a\\U00000000" }',
        "systems[1].arguments.x is 'a\\x00'; allowed: texts without the character NUL.",
    ),
    "name of an argument that cannot be stored": (
        'name = "alpha"',
        'name = "alpha"\narguments = { "\\u0000" = 1 }',
        "systems[1].arguments is '\\x00'; allowed: texts without the character NUL.",
    ),
    "key that cannot be stored": (
        "= 7",
        '= 7\n"\\u0000" = 1',
        "a key is '\\x00'; allowed: texts without the character NUL.",
    ),
    "title too long": (
        "= 7",
        f'= 7\ntitle = "{"t" * 201}"',
        f"title is '{'t' * 40}'; allowed: a text of 1 to 200 characters.",
    ),
    "consent of another kind": (
        "= 7",
        "= 7\nconsent = true",
        "consent is True; allowed: a text of 1 to 10000 characters.",
    ),
    "unknown key": ("= 7", '= 7\nseeds = "x"', f"seeds is not a known key; allowed: {ROOT_KEYS}."),
    "rating that is no table": ("[rating]", "[[rating]]", "rating is [{'votes_wanted': 4}]; allowed: a table."),
    "no votes wanted": (
        "votes_wanted = 4",
        "",
        "rating.votes_wanted is missing; allowed: a whole number from 1 to 10000.",
    ),
    "votes wanted 0": ("= 4\n", "= 0\n", "rating.votes_wanted is 0; allowed: a whole number from 1 to 10000."),
    "judgements 0": (
        "= 4\n",
        "= 4\njudgements_per_question = 0\n",
        "rating.judgements_per_question is 0; allowed: a whole number from 1 to 10000.",
    ),
    "unknown matchmaking": (
        "= 4\n",
        '= 4\nmatchmaking = "random"\n',
        "rating.matchmaking is 'random'; allowed: balanced, uniform.",
    ),
    "unknown key of rating": (
        "= 4\n",
        "= 4\nvotes = 4\n",
        "rating.votes is not a known key; allowed: "
        "votes_wanted, judgements_per_question, matchmaking, layout, break_every, hide_results_until_closed.",
    ),
    "display too small": ("size = 64", "size = 15", "display.size is 15; allowed: a whole number from 16 to 4096."),
    "display larger than the pictures": (
        "size = 64",
        "size = 65",
        "display.size is 65; allowed: at most 64, the size that alpha@1 makes; or upsample = true.",
    ),
    "upsample of another kind": (
        "size = 64",
        'size = 64\nupsample = "yes"',
        "display.upsample is 'yes'; allowed: true or false.",
    ),
    "unknown key of display": (
        "size = 64",
        "px = 64",
        "display.px is not a known key; allowed: size, upsample, theme.",
    ),
    "no question": (
        '[[questions]]\nkey = "quality"\nwording = "Which picture is better?"',
        "",
        "questions is missing; allowed: at least one table [[questions]].",
    ),
    "questions that are no tables": (
        '[[questions]]\nkey = "quality"\nwording = "Which picture is better?"',
        "",
        "questions is ['quality']; allowed: at least one table [[questions]].",
    ),
    "question without key": ('key = "quality"', "", f"questions[1].key is missing; allowed: {SLUG}."),
    "question without wording": (
        'wording = "Which picture is better?"',
        "",
        "questions[1].wording is missing; allowed: a text of 1 to 300 characters.",
    ),
    "unknown key of a question": (
        'key = "quality"',
        'key = "quality"\nties = true',
        "questions[1].ties is not a known key; allowed: key, wording, tie, both_bad, help, practice, checks.",
    ),
    "a question twice": (
        "[[systems]]",
        '[[questions]]\nkey = "quality"\nwording = "Again?"\n[[systems]]',
        "questions is 'quality' twice; allowed: each key once.",
    ),
    "one system": ("[1, 4]", "4", "systems is 1 system; allowed: at least 2, since people compare pairs."),
    "the same steps twice": (
        "[1, 4]",
        "[4, 4]",
        "systems[1].steps is [4, 4]; allowed: each number once, but 4 is repeated.",
    ),
    "no steps": ("steps = [1, 4]", "", "systems[1].steps is missing; allowed: a whole number from 1 to 10000."),
    "unknown backend": (
        '"diffusers"',
        '"torch"',
        "systems[1].backend is 'torch'; allowed: diffusers, deepfloyd, muse, stylegan-t, endpoint, imported.",
    ),
    "0 steps": ("[1, 4]", "[1, 0]", "systems[1].steps is 0; allowed: a whole number from 1 to 10000."),
    "more steps than were distilled": (
        "steps = [1, 4]",
        'steps = [4, 51]\nscheduler = { class = "LCMScheduler" }',
        "systems[1].steps is 51; allowed: 1 to 50 with LCMScheduler, whose scheduler.original_inference_steps is 50.",
    ),
    "guidance of a model without": (
        'backend = "diffusers"\npipeline = "StableDiffusionXLPipeline"',
        'catalogue = "sdxl-turbo"\nguidance_scale = 5.0',
        "systems[1].guidance_scale is 5.0; allowed: 0.0, the only value that sdxl-turbo is made for.",
    ),
    "size that is no multiple of 8": (
        "width = 64",
        "width = 100",
        "systems[1].width is 100; allowed: a whole number of pixels, a multiple of 8 and at least 8.",
    ),
    "pictures that are not square": (
        "height = 64",
        "height = 72",
        "systems is 64 x 72 for alpha@1; allowed: square pictures, so that all are shown in one size.",
    ),
    "title that names a system": (
        "= 7",
        '= 7\ntitle = "Is Alpha any good?"',
        f"title is 'Is Alpha any good?', which names 'alpha'; allowed: {NEUTRAL}.",
    ),
    "wording that names a model": (
        "picture is better",
        "is by the First Model",
        f"questions[1].wording is 'Which is by the First Model?', which names 'first-model'; allowed: {NEUTRAL}.",
    ),
    "key that names a system": (
        'key = "quality"',
        'key = "like-alpha"',
        f"questions[1].key is 'like-alpha', which names 'alpha'; allowed: {NEUTRAL}.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_one_sentence(tmp_path: Path, case: str) -> None:
    old, new, sentence = BAD[case]
    assert old in GOOD
    content = GOOD.replace(old, new, 1)
    if case == "questions that are no tables":
        content = f'questions = ["quality"]\n{content}'
    with pytest.raises(StudyFileError) as refusal:
        read(tmp_path, content)
    assert str(refusal.value) == f"{tmp_path / 'study.toml'}: {sentence}"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'name = "beta"',
            'name = "alpha"\nsteps = 4',
            "systems is 'alpha@4' twice; allowed: each system once; give one of them another name",
        ),
        ("faster-unet", 'faster-unet"\nsteps = 0\n#', "systems[2].steps is 0; allowed: a whole number from 1 to 10000"),
    ],
)
def test_a_bad_second_system_is_named_by_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    content = ANOTHER_SYSTEM.replace("steps = 50\n", "") if "steps" in new else ANOTHER_SYSTEM
    with pytest.raises(StudyFileError) as refusal:
        read(tmp_path, GOOD + content.replace(old, new))
    assert str(refusal.value) == f"{tmp_path / 'study.toml'}: {sentence}."


def test_two_names_for_the_same_settings_are_refused(tmp_path: Path) -> None:
    again = GOOD[GOOD.index("[[systems]]") :].replace("alpha", "beta")
    with pytest.raises(StudyFileError) as refusal:
        read(tmp_path, GOOD + again)
    sentence = "systems is 'beta@1' with the settings of 'alpha@1'; allowed: each setting once."
    assert str(refusal.value) == f"{tmp_path / 'study.toml'}: {sentence}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Which is by BETA?", "beta"),
        ("second-model", "second-model"),
        ("The Second_Model or the other?", "second-model"),
        ("Is it secondmodel's?", "second-model"),
        ("With the faster UNet?", "faster-unet"),
        ("alpha@4 or not?", "alpha"),
    ],
)
def test_names_are_recognised_however_they_are_written(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(StudyFileError, match=f"which names '{name}'; allowed: {NEUTRAL}"):
        read(tmp_path, GOOD.replace("Which picture is better?", text) + ANOTHER_SYSTEM)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ('lora = "org/swift-lora/weights.safetensors"', "Is the Swift LoRA better?"),
        ('lora = "org/loras/swift-lora.safetensors"', "Is the Swift LoRA better?"),
        ('arguments = { stage_2_model = "org/swift-lora" }', "swift-lora or not?"),
    ],
)
def test_whatever_a_system_loads_has_a_name(tmp_path: Path, keys: str, text: str) -> None:
    content = GOOD.replace("Which picture is better?", text) + ANOTHER_SYSTEM + keys + "\n"
    with pytest.raises(StudyFileError, match=f"which names 'swift-lora'; allowed: {NEUTRAL}"):
        read(tmp_path, content)


@pytest.mark.parametrize("text", ["Which alphabet is clearer?", "A betamax tape?", "The first model's second?"])
def test_other_words_are_not_mistaken_for_names(tmp_path: Path, text: str) -> None:
    spec = read(tmp_path, GOOD.replace("first-model", "x-model").replace("Which picture is better?", text))
    assert spec.questions[0].wording == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Is SDXL good?", "names 'sdxl'"),
        ("Is LCM XL good?", "names 'lcm-xl'"),
        ("One of them took 60 steps?", "tells of '60 steps'"),
        ("Is one-step enough?", "tells of 'one-step'"),
        ("Are 4 sampling steps enough?", "tells of '4 sampling steps'"),
    ],
)
def test_known_names_and_step_counts_are_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(StudyFileError, match=f"wording is '{re.escape(text)}', which {told}; allowed: {NEUTRAL}"):
        read(tmp_path, GOOD.replace("Which picture is better?", text))


def test_a_folder_may_end_with_a_slash(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD.replace("./first-model", "./first-model/")).systems[0].model == "./first-model/"
    with pytest.raises(StudyFileError, match="title is 'First model', which names 'first-model'"):
        read(tmp_path, GOOD.replace("./first-model", "./first-model/").replace("= 7", '= 7\ntitle = "First model"'))


EXAMPLE = """
[[examples]]
question = "quality"
prompt = "a red fox"
better = "alpha@1"
worse = "alpha@4"
why = "Only one of them is red."
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"quality"', '"taste"', "examples[1].question is 'taste'; allowed: quality."),
        ('"alpha@1"', '"omega@1"', "examples[1].better is 'omega@1'; allowed: alpha@1, alpha@4."),
        ('"alpha@4"', '"alpha@1"', "examples[1].worse is 'alpha@1'; allowed: another system than better."),
        ("Only one of them", "The picture by Alpha", "examples[1].why is 'The picture by Alpha is red.', which names"),
        ('why = "Only one of them is red."', "", "examples[1].why is missing; allowed: a text of 1 to 500 characters."),
    ],
)
def test_a_bad_example_is_named_by_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    content = GOOD.replace("seed = 7", 'seed = 7\ninstructions = "Look."') + EXAMPLE
    assert read(tmp_path, content).protocol.examples[0].why == "Only one of them is red."
    with pytest.raises(StudyFileError) as refusal:
        read(tmp_path, content.replace(EXAMPLE, EXAMPLE.replace(old, new)))
    assert str(refusal.value).startswith(f"{tmp_path / 'study.toml'}: {sentence}")


def test_examples_need_instructions(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match=r"instructions is missing; allowed: what \[\[comprehension\]\] and"):
        read(tmp_path, GOOD + EXAMPLE)


def test_checks_of_questions_that_are_asked_beside_the_first_are_refused(tmp_path: Path) -> None:
    keys = '\nchecks = ["same"]'
    another = f'\n[[questions]]\nkey = "following"\nwording = "Which follows the text?"{keys}\n[checks]\nevery = 5\n'
    content = GOOD.replace('wording = "Which picture is better?"', f'wording = "Which picture is better?"{keys}')
    content += ANOTHER_SYSTEM + another
    assert [question.checks for question in read(tmp_path, content).questions] == [("same",), ("same",)]
    together = content.replace("votes_wanted = 4", 'votes_wanted = 4\nlayout = "together"')
    with pytest.raises(StudyFileError) as refused:
        read(tmp_path, together)
    assert str(refused.value).partition(": ")[2] == (
        "questions[2].checks is ['same']; allowed: none, since with layout = \"together\" only the first question's "
        "are shown: all are asked beside it."
    )
    spec = read(tmp_path, together.replace(another, another.replace(keys, "")))
    assert [question.checks for question in spec.questions] == [("same",), ()]
