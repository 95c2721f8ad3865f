from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from analysis.stats.consistency import self_consistency
from tests.analysis.stats.planted import table


def test_self_consistency_counts_same_answers_to_the_same_images_whatever_the_sides() -> None:
    rows = [("p", "a", "b", "left", "r"), ("p", "b", "a", "right", "r"), ("q", "a", "b", "tie", "r")]
    rows += [("q", "a", "b", "both_bad", "r"), ("p", "a", "c", "left", "r"), ("p", "a", "b", "left", "s")]
    rows += [("x", "a", "b", "right", "t"), ("x", "a", "b", "right", "t"), ("x", "b", "a", "right", "t")]
    found = self_consistency(table(*rows))
    assert list(found.repeats) == [2, 0, 2]
    assert found.share == pytest.approx([1 / 2, np.nan, 1 / 3], nan_ok=True)
    wilson = binomtest(1, 2).proportion_ci(method="wilson")
    assert (found.low[0], found.high[0]) == pytest.approx((wilson.low, wilson.high))
    assert found.overall.value == pytest.approx(2 / 5)
    assert found.overall.low < 2 / 5 < found.overall.high
    assert np.isnan(self_consistency(table(rows[0])).overall.value)
    assert self_consistency(table(*rows[:2])).high == pytest.approx([1.0])
