"""Captions that are false of a picture: another picture's, or its own with one word changed or two exchanged.

Reed et al., Generative Adversarial Text to Image Synthesis, 2016, sec. 4.2, for the former; Yuksekgonul et al., When
and Why Vision-Language Models Behave like Bags-of-Words, 2023, for the latter, which teach what belongs to what.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import CLIPTokenizer

from toyzoo.domain.words import BACKGROUNDS, COLOURS, FINISHES, NUMBERS, PATTERNS, SHAPES, SIZES, plural

_ALIKE = (
    tuple(COLOURS),
    SHAPES,
    tuple(plural(shape) for shape in SHAPES),
    SIZES,
    FINISHES[1:],
    NUMBERS[1:],
    PATTERNS[1:],
    tuple(BACKGROUNDS),
)
_NEVER_AFTER_AN_ARTICLE = (("left", "right"), ("above", "below"))


class FalseCaptions:
    """The words of one kind, by their tokens. Words that stand after "an" are left alone, so that articles stay right.

    A pair of things that differ in colour alone is the same when its colours are exchanged; about one caption in two
    hundred has one, and counts as false all the same.
    """

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        kinds = [[word for word in words if word[0] not in "aeiou"] for words in _ALIKE]
        kinds += [list(words) for words in _NEVER_AFTER_AN_ARTICLE]
        tokens = [tokenizer.convert_tokens_to_ids([f"{word}</w>" for word in words]) for words in kinds]
        self._kinds = {token: kind for kind in tokens for token in kind}

    def draw(self, tokens: Sequence[torch.Tensor], count: int, rng: np.random.Generator) -> list[torch.Tensor]:
        """Of the first `count` captions: the next one for each even number, its own changed for each odd one.

        `tokens`: a batch of captions, (n, length), n > count, as each tokenizer numbers them.
        """
        false = [ids[1 : count + 1].clone() for ids in tokens]
        for row in range(1, count, 2):
            changed = self._change(tokens[0][row].tolist(), rng)
            for made, ids in zip(false, tokens, strict=True):
                made[row] = ids[row]
                made[row, list(changed)] = torch.tensor(list(changed.values()))
        return false

    def _change(self, caption: list[int], rng: np.random.Generator) -> dict[int, int]:
        """New tokens by place."""
        places = [place for place, token in enumerate(caption) if token in self._kinds]
        pairs = [(i, j) for i in places for j in places if i < j and self._differ(caption[i], caption[j])]
        if pairs and rng.random() < 0.5:
            one, two = pairs[rng.integers(len(pairs))]
            return {one: caption[two], two: caption[one]}
        place = places[rng.integers(len(places))]
        others = [token for token in self._kinds[caption[place]] if token != caption[place]]
        return {place: others[rng.integers(len(others))]}

    def _differ(self, one: int, two: int) -> bool:
        return one != two and two in self._kinds[one]
