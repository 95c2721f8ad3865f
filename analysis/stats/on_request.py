"""What a summary holds besides where it is asked for, as JSON; a part that cannot be had is a sentence why."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import numpy as np

from analysis.stats.always_valid import always_valid, always_valid_means
from analysis.stats.asked import Asked
from analysis.stats.bootstrap import DRAWS, bootstrap_field_win_rates, bootstrap_pair_win_rates, bootstrap_ratings
from analysis.stats.details import as_json, conclusion_of, details, part_of
from analysis.stats.looks import at_planned_looks
from analysis.stats.outcomes import VoteTable
from analysis.stats.sensitivity import weighted, with_covariates, with_ridge
from analysis.stats.win_rates import pair_names, pair_win_rates


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


def over_questions_on_request(votes: VoteTable, questions: Collection[str], asked: Asked) -> dict[str, Any]:
    """Of `questions` together: `always_valid`, where it is asked for. `votes` are those on all of them."""
    if asked.planned_votes is None or asked.looks is not None:
        return {}
    return {"always_valid": part_of(partial(always_valid_means, votes, questions, asked.planned_votes))}


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
            for i, (a, b) in enumerate(pair_names(pairs.systems, pairs.a, pairs.b))
        ],
        "warnings": list(dict.fromkeys(each for made in (of_ratings, of_pairs) for each in made.cautions())),
    }
    return dict(as_json(found))
