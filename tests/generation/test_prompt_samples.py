"""Which prompts a set keeps: without some challenges, sampled simply at random or in proportion."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from generation.models import PromptSet
from generation.prompts import LABELS, PromptFileError, PromptLine, Selection, select

PROMPTS = [PromptLine(f"prompt {n}", challenge="Basic" if n % 2 else "Complex") for n in range(20)]


def test_challenges_are_excluded() -> None:
    assert select(PROMPTS, Selection(["Basic"])) == PROMPTS[::2]


def test_sample_keeps_the_order_and_is_stable() -> None:
    sample = select(PROMPTS, Selection(sample=4, seed=7))
    assert [prompt.text for prompt in sample] == ["prompt 2", "prompt 3", "prompt 9", "prompt 19"]
    assert [prompt for prompt in PROMPTS if prompt in sample] == sample


def test_sample_depends_on_the_seed_but_not_on_the_order() -> None:
    sample = select(PROMPTS, Selection(sample=4, seed=7))
    assert set(select(PROMPTS[::-1], Selection(sample=4, seed=7))) == set(sample)
    assert set(select(PROMPTS, Selection(sample=4, seed=8))) != set(sample)


def test_smaller_sample_is_part_of_a_larger_one() -> None:
    smaller, larger = (set(select(PROMPTS, Selection(sample=size, seed=7))) for size in (4, 9))
    assert smaller < larger


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Selection(["Easy"]), "challenge 'Easy' to exclude occurs nowhere; those that do: Basic, Complex"),
        (Selection(["Basic", "Complex"]), "no prompt is left after the exclusions"),
        (Selection(["Basic"], 11), "sample is 11; allowed: 1 to 10, the prompts that are left"),
        (Selection(sample=0), "sample is 0; allowed: 1 to 20, the prompts that are left"),
        (Selection(stratify="challenge"), "stratify is 'challenge', and no sample is drawn; allowed: only with one"),
        (Selection(sample=4, stratify="category"), "stratify is 'category', which none of the prompts has"),
        (Selection(sample=4, stratify="note"), "stratify is 'note'; allowed: category or challenge"),
    ],
)
def test_bad_selection(wanted: Selection, message: str) -> None:
    with pytest.raises(PromptFileError) as caught:
        select(PROMPTS, wanted)
    assert str(caught.value) == message


def test_excluding_from_prompts_without_challenges() -> None:
    with pytest.raises(PromptFileError) as caught:
        select([PromptLine("a cat")], Selection(["Basic"]))
    assert str(caught.value) == "challenge 'Basic' to exclude occurs nowhere; the prompts have none"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Selection(), "a.tsv"),
        (Selection(["Basic", "Complex"]), "a.tsv, without Basic, Complex"),
        (Selection(["Basic"], 100, 3), "a.tsv, without Basic, 100 drawn with seed 3"),
        (Selection((), 100, 0, "category"), "a.tsv, 100 drawn with seed 0, in proportion by category"),
    ],
)
def test_a_selection_is_told_in_words(wanted: Selection, words: str) -> None:
    assert wanted.in_words("a.tsv") == words


def labelled(**counts: int) -> list[PromptLine]:
    """So many prompts of each category; those of `unlabelled` have none."""
    names = [name for name, count in counts.items() for _ in range(count)]
    return [PromptLine(f"{name} {n}", "" if name == "unlabelled" else name) for n, name in enumerate(names)]


def by_category(prompts: list[PromptLine]) -> Counter[str]:
    return Counter(prompt.category for prompt in prompts)


def test_each_category_has_its_share() -> None:
    prompts = labelled(animals=60, arts=25, food=10, unlabelled=5)
    sample = select(prompts, Selection(sample=20, seed=3, stratify="category"))
    assert by_category(sample) == {"animals": 12, "arts": 5, "food": 2, "": 1}
    assert [prompt for prompt in prompts if prompt in sample] == sample


def test_a_stratum_is_sampled_as_if_it_were_alone() -> None:
    prompts = labelled(animals=60, arts=40)
    sample = select(prompts, Selection(sample=10, seed=3, stratify="category"))
    assert sample[:6] == select(prompts[:60], Selection(sample=6, seed=3))


def test_one_category_is_a_simple_random_sample() -> None:
    prompts = labelled(animals=30)
    assert select(prompts, Selection(sample=7, stratify="category")) == select(prompts, Selection(sample=7))


def test_in_a_tie_the_seed_decides() -> None:
    prompts = labelled(**{f"category {n}": 2 for n in range(8)})
    first = {select(prompts, Selection(sample=1, seed=seed, stratify="category"))[0].category for seed in range(40)}
    assert len(first) > 4


prompt_lists = st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=1, max_size=60).map(
    lambda names: [PromptLine(str(n), name, name) for n, name in enumerate(names)] + [PromptLine("last", "a", "a")]
)


@given(prompt_lists, st.integers(0, 9), st.sampled_from(LABELS), st.randoms(use_true_random=False))
def test_shares_nesting_and_order(prompts: list[PromptLine], seed: int, label: str, rng: random.Random) -> None:
    sizes = by_category(prompts)
    shuffled = rng.sample(prompts, len(prompts))
    smaller: set[PromptLine] = set()
    for size in range(1, len(prompts) + 1):
        wanted = Selection(sample=size, seed=seed, stratify=label)
        sample = select(prompts, wanted)
        assert len(sample) == size
        assert smaller < set(sample)
        assert set(select(shuffled, wanted)) == set(sample)
        drawn = by_category(sample)
        assert all(abs(drawn[name] - size * count / len(prompts)) < 1 for name, count in sizes.items())
        smaller = set(sample)


@pytest.fixture
def prompt_file(tmp_path: Path) -> Path:
    file = tmp_path / "a.csv"
    rows = "".join(f"{prompt.text},{prompt.category}\n" for prompt in labelled(animals=6, arts=4))
    file.write_text(f"Prompt,Category\n{rows}")
    return file


@pytest.mark.django_db
def test_the_command_stratifies(prompt_file: Path) -> None:
    call_command("import_prompts", str(prompt_file), "--set", "few", "--sample", "5", "--stratify", "category")
    stored = PromptSet.objects.get()
    assert Counter(stored.prompts.values_list("category", flat=True)) == {"animals": 3, "arts": 2}
    assert stored.source == "a.csv, 5 drawn with seed 0, in proportion by category"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--stratify", "category"], "stratify is 'category', and no sample is drawn; allowed: only with one"),
        (["--sample", "5", "--stratify", "challenge"], "stratify is 'challenge', which none of the prompts has"),
        (["--sample", "5", "--stratify", "note"], "argument --stratify: invalid choice: 'note'"),
    ],
)
def test_the_command_refuses(options: list[str], sentence: str, prompt_file: Path) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("import_prompts", str(prompt_file), "--set", "few", *options)
    assert not PromptSet.objects.exists()
