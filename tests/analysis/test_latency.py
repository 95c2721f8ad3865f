"""The median time of an image, with the interval that order statistics give it."""

from __future__ import annotations

from typing import Any

import pytest
from scipy import stats

from analysis.latency import median_latency
from generation.models import Image
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

SYSTEMS = {"alpha@4", "beta@4", "gamma@4"}


def test_the_interval_lies_between_order_statistics_that_hold_the_median() -> None:
    study = make_open_study([f"{number} cats" for number in range(20)])
    for image in Image.objects.filter(job__system__slug="alpha@4").select_related("job__prompt"):
        Image.objects.filter(id=image.id).update(total_ms=100.0 + image.job.prompt.position)
    found = median_latency(study)
    assert set(found) == SYSTEMS
    alpha: Any = found["alpha@4"]
    assert (alpha["images"], alpha["median_ms"]) == (20, 109.5)
    low, high = (int(alpha[end] - 100) + 1 for end in ("low_ms", "high_ms"))  # the how-manieth of the sorted times
    between = stats.binom.cdf(high - 1, 20, 0.5) - stats.binom.cdf(low - 1, 20, 0.5)
    assert between >= 0.95
    assert stats.binom.cdf(high - 2, 20, 0.5) - stats.binom.cdf(low, 20, 0.5) < 0.95  # none is narrower on both sides


def test_few_images_have_a_median_and_no_interval() -> None:
    found = median_latency(make_open_study())
    assert found["alpha@4"] == {"images": 4, "median_ms": 12.0, "low_ms": None, "high_ms": None}


def test_images_whose_time_nobody_knows_are_left_out() -> None:
    study = make_open_study()
    Image.objects.filter(job__system__slug="alpha@4").update(total_ms=None)
    assert set(median_latency(study)) == SYSTEMS - {"alpha@4"}
