"""A quick subset of benchmarks/sequential.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.sequential import SETTINGS, is_missed, measured

STUDIES = 50


@pytest.mark.parametrize("name", ["10 raters, unbalanced", "raters come and go"])
def test_thirty_looks_raise_few_false_alarms_where_naive_ways_raise_many(name: str) -> None:
    found = measured(replace(SETTINGS[name], ranking=False), [1], STUDIES)
    for suffix in ("a pair", "all pairs"):
        assert found[f"confidence sequence, {suffix}"].alarms <= 0.05
        assert found[f"planned looks, {suffix}"].alarms <= 0.05 + 2.5 * 0.031  # its standard error with 50 studies
    assert found["vote-level test every day, a pair"].alarms > 0.4
    assert found["two-way test every day, a pair"].alarms > 0.1
    assert found["vote-level e-process, a pair"].alarms > 0.07
    assert is_missed(
        SETTINGS["each prompt and rater once"], "vote-level e-process, a pair", found["vote-level e-process, a pair"]
    )


def test_a_better_system_is_found_sooner_by_planned_looks_than_by_the_sequence() -> None:
    found = measured(SETTINGS["each once, one system better"], [2], STUDIES)
    planned, sequence = found["planned looks, a pair"], found["confidence sequence, a pair"]
    assert planned.alarms > 0.7
    assert planned.alarms > sequence.alarms > 0.3
