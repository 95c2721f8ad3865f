"""The toy systems' world: captions say wishes and can be read back, scenes hold what wishes ask for."""

from __future__ import annotations

import random
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.prompts import read_prompts
from toyzoo.domain.captions import CaptionError, parse, say
from toyzoo.domain.drawing import draw, mask
from toyzoo.domain.scenes import SIDE, Scene, Thing, distance, holds, picture
from toyzoo.domain.wishes import EVALUATION_FILE, draw_training_wish, draw_wish, evaluation_rows, held_out
from toyzoo.domain.words import (
    BACKGROUNDS,
    CHALLENGES,
    COLOURS,
    FINISHES,
    PATTERNS,
    RELATIONS,
    SHAPES,
    SIZES,
    Backdrop,
    Group,
    Wish,
    all_words,
)

groups = st.builds(
    Group,
    shape=st.sampled_from(SHAPES),
    count=st.integers(1, 5),
    size=st.none() | st.sampled_from(SIZES),
    finish=st.none() | st.sampled_from(FINISHES[1:]),
    colour=st.none() | st.sampled_from(list(COLOURS)),
)
backdrops = st.none() | st.builds(Backdrop, st.sampled_from(list(BACKGROUNDS)), st.sampled_from(PATTERNS))
wishes = st.builds(Wish, st.lists(groups, min_size=1, max_size=3).map(tuple), st.none(), backdrops) | st.builds(
    Wish, st.lists(groups, min_size=2, max_size=3).map(tuple), st.sampled_from(RELATIONS), backdrops
)
seeds = st.integers(0, 2**32)


@given(wishes)
def test_a_caption_means_the_wish_that_it_says(wish: Wish) -> None:
    assert parse(say(wish)) == wish


@given(wishes)
def test_captions_are_made_of_known_words(wish: Wish) -> None:
    assert set(re.findall(r"\w+|,", say(wish))) <= set(all_words())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a red fox", "'a red fox' names no things; allowed: a, two, three, four, five, and ball, block, "),
        ("a shiny ball", "'a shiny ball' has the word 'shiny', which means nothing here."),
        ("two ball", "'two ball' is no caption of this world; the nearest is 'two balls'."),
        ("a ball on a loud background", "'loud' is no background; allowed: white, grey, sky, mint, sand."),
        ("a ball on a sand background and a star", "'a ball on a sand background and a star' goes on after its "),
        ("a ball above a star below a moon", "'a ball above a star below a moon' has more than one relation."),
        ("", "'' names no things; "),
    ],
)
def test_another_text_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(CaptionError, match=f"^{re.escape(sentence)}"):
        parse(text)


@pytest.mark.parametrize("challenge", CHALLENGES)
@given(seed=seeds)
def test_a_scene_holds_what_the_wish_asks_for(challenge: str, seed: int) -> None:
    rng = random.Random(seed)
    wish = draw_wish(rng, challenge)
    scene = picture(wish, rng)
    things = list(scene.things)
    for group in wish.groups:
        for thing in [things.pop(0) for _ in range(group.count)]:
            assert thing.shape == group.shape
            assert group.size in (None, thing.size)
            assert thing.finish == (group.finish or "plain")
            assert group.colour in (None, thing.colour)
    assert not things
    assert wish.backdrop in (None, scene.backdrop)
    if wish.relation:
        assert holds(wish.relation, *scene.things[:2])


@given(seed=seeds)
def test_things_are_whole_and_apart(seed: int) -> None:
    rng = random.Random(seed)
    wish = draw_wish(rng)
    scene = picture(wish, rng)
    for number, thing in enumerate(scene.things):
        assert thing.radius <= min(thing.x, thing.y, SIDE - thing.x, SIDE - thing.y)
        for other in scene.things[:number]:
            if wish.relation != "inside" or number > 1:
                assert distance(thing, other) > thing.radius + other.radius


@pytest.mark.parametrize(
    ("relation", "right", "down"),
    [("to the left of", -30, 5), ("to the right of", 30, -5), ("above", 5, -30), ("below", -5, 30), ("inside", 1, 1)],
)
def test_a_relation_is_told_by_the_direction(relation: str, right: float, down: float) -> None:
    middle = Thing("ring", "red", "plain", "large", 64, 64, 28)
    other = Thing("ball", "blue", "plain", "small", 64 + right, 64 + down, 10)
    assert [name for name in RELATIONS if holds(name, other, middle)] == [relation]


def test_a_diagonal_is_no_relation() -> None:
    one, other = (Thing("ball", "red", "plain", "small", x, x, 12) for x in (20, 100))
    assert not any(holds(name, one, other) for name in RELATIONS)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("finish", FINISHES)
def test_a_thing_has_its_colour_and_covers_its_place(shape: str, finish: str) -> None:
    thing = Thing(shape, "blue", finish, "large", 64, 60, 25)
    covered = mask(thing) > 0.99
    rows, columns = np.nonzero(covered)
    assert columns.min() >= 64 - 26 and columns.max() <= 64 + 26
    assert rows.min() >= 60 - 26 and rows.max() <= 60 + 26
    pixels = draw(Scene((thing,), Backdrop("sand")))[covered].astype(int)
    assert (pixels[:, 2] > pixels[:, 0]).all(), "every pixel of a blue thing is bluer than red"
    darkest, lightest = np.percentile(pixels[:, 2], [2, 98])
    assert (darkest / lightest < 0.6) == (finish != "plain"), "a finish is a second, darker tone"


def test_pictures_are_the_same_for_ever() -> None:
    rng = random.Random(5)
    pictures = [draw(picture(draw_wish(rng), rng)) for _ in range(20)]
    assert all(pixels.shape == (SIDE, SIDE, 3) and pixels.dtype == np.uint8 for pixels in pictures)
    rng = random.Random(5)
    assert all((draw(picture(draw_wish(rng), rng)) == pixels).all() for pixels in pictures)


def test_the_evaluation_prompts_are_those_of_the_file() -> None:
    prompts = read_prompts(EVALUATION_FILE)
    assert [(prompt.text, prompt.category, prompt.challenge, "") for prompt in prompts] == list(evaluation_rows())
    assert len(prompts) == 200
    assert min(Counter(prompt.challenge for prompt in prompts).values()) == 33
    assert {parse(prompt.text).category for prompt in prompts} == {"Toys", "Sky", "Signs"}


def test_training_never_sees_them() -> None:
    rng = random.Random(1)
    said = {say(draw_training_wish(rng)) for _ in range(20_000)}
    assert not said & held_out()
    assert len(held_out()) == 166
