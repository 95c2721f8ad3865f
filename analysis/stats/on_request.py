"""What a summary holds besides where it is asked for, as JSON; a part that cannot be had is a sentence why."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from analysis.stats.asked import Asked
from analysis.stats.bootstrap import DRAWS, bootstrap_field_win_rates, bootstrap_pair_win_rates, bootstrap_ratings
from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.details import as_json, conclusion_of, details, part_of
from analysis.stats.errors import RatingError
from analysis.stats.looks import at_planned_looks
from analysis.stats.outcomes import IntArray, VoteTable
from analysis.stats.pair_tests import holm
from analysis.stats.sensitivity import weighted, with_covariates, with_ridge
from analysis.stats.sequential import (
    ConfidenceSequence,
    confidence_sequence,
    first_place,
    pair_contrasts,
    rank_ranges_of,
    rating_contrasts,
    system_contrasts,
    verdict,
)
from analysis.stats.win_rates import field_win_rates, pair_win_rates


def on_request(votes: VoteTable, asked: Asked, seed: list[int]) -> dict[str, Any]:
    """By name: `details`, `conclusion`, `bootstrap`, `ridge`, `weighted`, `contextual` and `always_valid` or, with
    looks, `planned_looks`, as far as they are asked for.

    `votes` answer one question; both-bad counts in the first, and among the votes of planned looks. Ties are half a win
    for each.
    """
    parts: dict[str, Callable[[], Any]] = {}
    if asked.details:
        parts["details"] = partial(details, votes)
    if asked.conclusion is not None:
        parts["conclusion"] = partial(conclusion_of, votes, *asked.conclusion)
    if asked.bootstrap is not None:
        parts["bootstrap"] = partial(bootstrapped, votes, asked.bootstrap, np.random.default_rng(seed))
    if asked.ridge is not None:
        parts["ridge"] = partial(with_ridge, votes, asked.ridge)
    if asked.weights is not None:
        parts["weighted"] = partial(weighted, votes, asked.weights)
    if asked.covariates:
        parts["contextual"] = partial(with_covariates, votes, asked.covariates, asked.weights, asked.ridge)
    if asked.planned_votes is not None and asked.looks is not None:
        looks = partial(at_planned_looks, votes, asked.planned_votes, asked.looks, ended=asked.ended)
        parts["planned_looks"] = looks
    elif asked.planned_votes is not None:
        parts["always_valid"] = partial(always_valid, votes, asked.planned_votes)
    return {name: part_of(make) for name, make in parts.items()}


def bootstrapped(votes: VoteTable, by: str, rng: np.random.Generator) -> dict[str, Any]:
    """Percentile intervals of ratings, win rates against the field and of pairs (analysis.stats.bootstrap)."""
    counted = votes.counted()
    pairs = pair_win_rates(counted)
    of_ratings = bootstrap_ratings(counted, by, rng)
    of_field = bootstrap_field_win_rates(counted, by, rng)
    of_pairs = bootstrap_pair_win_rates(counted, by, rng)
    found = {
        "by": by,
        "draws": DRAWS,
        "systems": [
            {
                "system": name,
                "bt_low": float(of_ratings.low[i]),
                "bt_high": float(of_ratings.high[i]),
                "win_rate_low": float(of_field.low[i]),
                "win_rate_high": float(of_field.high[i]),
            }
            for i, name in enumerate(counted.systems)
        ],
        "pairs": [
            {"a": a, "b": b, "low": float(of_pairs.low[i]), "high": float(of_pairs.high[i])}
            for i, (a, b) in enumerate(_names(pairs.systems, pairs.a, pairs.b))
        ],
        "warnings": list(dict.fromkeys(each for made in (of_ratings, of_pairs) for each in made.cautions())),
    }
    return dict(as_json(found))


def always_valid(votes: VoteTable, planned: int) -> dict[str, Any]:
    """What stays true however often one looks (analysis.stats.sequential): pairs, and the ranks of all systems.

    Each pair's interval holds by itself, and so do those of each system in `estimates`; ranks, the leader and p_holm
    hold for all at once.
    """
    counted = votes.counted()
    contrasts = pair_contrasts(pair_win_rates(counted))
    watched = confidence_sequence(contrasts, planned / max(1, len(contrasts.a)))
    found: dict[str, Any] = {"planned_votes": planned, "pairs": _pairs(watched), **_ranking(counted, planned)}
    return dict(as_json({**found, "estimates": _estimates(counted, planned)}))


def _pairs(watched: ConfidenceSequence) -> list[dict[str, Any]]:
    contrasts, adjusted = watched.contrasts, holm(watched.p)
    return [
        {
            "a": a,
            "b": b,
            "win_rate": float(contrasts.value[i]),
            "low": float(watched.low[i]),
            "high": float(watched.high[i]),
            "p": float(watched.p[i]),
            "p_holm": float(adjusted[i]),
            "more_votes": _number(watched.more_votes[i]),
            "verdict": verdict(float(watched.more_votes[i])),
        }
        for i, (a, b) in enumerate(_names(contrasts.systems, contrasts.a, contrasts.b))
    ]


def _ranking(votes: VoteTable, planned: int) -> dict[str, Any]:
    """Nothing but a sentence where there are no ratings."""
    try:
        contrasts = rating_contrasts(bradley_terry(votes), len(votes))
    except RatingError as error:
        return {"systems": [], "leader": None, "more_votes": None, "verdict": str(error)}
    watched = confidence_sequence(contrasts, planned, at_once=len(contrasts.a))
    low, high = rank_ranges_of(contrasts, watched.sign)
    leader, more_votes = first_place(watched)
    ranks = [
        {"system": name, "rank_low": int(low[i]), "rank_high": int(high[i])} for i, name in enumerate(contrasts.systems)
    ]
    ranks.sort(key=lambda row: (row["rank_low"], row["rank_high"]))
    return {"systems": ranks, "leader": leader, "more_votes": _number(more_votes), "verdict": verdict(more_votes)}


def _estimates(votes: VoteTable, planned: int) -> list[dict[str, Any]]:
    """Win rate against the field and Bradley-Terry rating of each system; None for a rating where there are none."""
    k = len(votes.systems)
    own = np.bincount(votes.system_left, minlength=k) + np.bincount(votes.system_right, minlength=k)
    field = system_contrasts(field_win_rates(votes), 0.5, own.astype(np.float64))
    columns: dict[str, ConfidenceSequence | None] = {"win_rate": confidence_sequence(field, 2 * planned / k)}
    try:
        ratings = bradley_terry(votes)
    except RatingError:
        columns["bt"] = None
    else:
        of_ratings = system_contrasts(ratings, 0.0, np.full(k, float(len(votes))))
        columns["bt"] = confidence_sequence(of_ratings, planned)
    return [
        {"system": system}
        | {
            f"{name}{end}": float(getattr(watched, column)[i]) if watched else None
            for name, watched in columns.items()
            for end, column in (("_low", "low"), ("_high", "high"))
        }
        for i, system in enumerate(votes.systems)
    ]


def _names(systems: tuple[str, ...], a: IntArray, b: IntArray) -> list[tuple[str, str]]:
    return [(systems[first], systems[second]) for first, second in zip(a, b, strict=True)]


def _number(votes: float) -> int | None:
    return int(votes) if math.isfinite(votes) else None
