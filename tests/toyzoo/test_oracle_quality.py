"""Quality falls with every kind of bad drawing, the more the worse."""

from __future__ import annotations

import numpy as np
import pytest

from toyzoo.domain.drawing import draw
from toyzoo.domain.scenes import SIDE
from toyzoo.domain.words import BACKGROUNDS, COLOURS
from toyzoo.oracle.damage import CHANGES, DAMAGES
from toyzoo.oracle.measure import change_table, changes, damage_table, damages, means, wishes
from toyzoo.oracle.quality import judge
from toyzoo.oracle.reading import read


def quality(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    return judge(pixels, read(pixels)).score


def test_real_pictures_are_nearly_perfect() -> None:
    assert min(quality(draw(scene)) for _, scene, _ in wishes(18, seed=1)) > 0.9


@pytest.mark.parametrize("name", DAMAGES)
def test_it_falls_with_the_strength(name: str) -> None:
    damage, strengths = DAMAGES[name]
    pictures = [draw(scene) for _, scene, _ in wishes(4, seed=3)]
    averages = [np.mean([quality(pixels) for pixels in pictures])]
    averages += [np.mean([quality(damage(pixels, strength)) for pixels in pictures]) for strength in strengths]
    assert (np.diff(averages) < -0.01).all(), averages


def test_unreadable_scribbles_count_against_it() -> None:
    (_, scene, _), *_ = wishes(1, seed=4)
    pixels = draw(scene)
    scribbled = pixels.copy()
    scribbled[3:6, 4:124] = COLOURS["green"]
    assert quality(scribbled) < quality(pixels) - 0.05


def test_an_empty_backdrop_has_none() -> None:
    assert quality(np.full((SIDE, SIDE, 3), BACKGROUNDS["sky"], np.uint8)) == 0.0


def test_the_tables_have_a_row_for_each_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toyzoo.oracle.measure._CHANGED", 1)
    monkeypatch.setattr("toyzoo.oracle.measure.CHANGES", {"mirrored": CHANGES["mirrored"]})
    monkeypatch.setattr("toyzoo.oracle.measure.DAMAGES", {"blur": (DAMAGES["blur"][0], (1.0,))})
    rows = list(change_table(means(changes("mirrored"))))
    assert rows[2].startswith("| mirrored | relation | 1 | 1.000 | 1.000 | 1.000 → ")
    rows = list(damage_table(means(damages("blur"))))
    assert rows[2].startswith("| blur | 0 1 | 1.00 1.00 | ")
