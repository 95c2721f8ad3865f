"""How long a system takes for one image: the median over a study's images, with its interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any, TypedDict

from scipy import stats

from analysis.stats.uncertainty import LEVEL
from comparisons.models import Study
from comparisons.studies import image_jobs
from generation.models import Image


class Latency(TypedDict):
    """Milliseconds of one image, loading left out; no interval where there are too few images for one."""

    images: int
    median_ms: float
    low_ms: float | None
    high_ms: float | None


def median_latency(study: Study) -> dict[str, Latency]:
    """By system, over all its images whose time is known."""
    times: dict[str, list[float]] = {}
    images = Image.objects.filter(job__in=image_jobs(study))
    for system, total_ms in images.values_list("job__system__slug", "total_ms").order_by("job__system__slug"):
        if total_ms is not None:
            times.setdefault(system, []).append(total_ms)
    return {system: _median(values) for system, values in times.items()}


def _median(times: Sequence[float]) -> Latency:
    """With the interval between two order statistics (Hahn & Meeker 1991, Statistical Intervals, 5.2).

    Between the l-th and the u-th of n sorted times lies the median with a probability of at least LEVEL, whatever the
    times' distribution: that of l <= B < u, where B is binomial with n trials of probability one half.
    """
    found: Any = stats.quantile_test(times, p=0.5).confidence_interval(LEVEL)
    low, high = (None if math.isnan(end) else float(end) for end in (found.low, found.high))
    return {"images": len(times), "median_ms": statistics.median(times), "low_ms": low, "high_ms": high}
