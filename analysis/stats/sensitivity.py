"""Ratings under other assumptions than the summary's, as JSON, to be read beside its own.

Ties are half a win for each, and intervals are two-way clustered, whatever the summary was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.stats.asked import FACTORS, RESPONSE_TIME
from analysis.stats.contextual import Context, ContextualRatings, Effects, Estimate, contextual_bradley_terry
from analysis.stats.curves import response_ms
from analysis.stats.details import as_json
from analysis.stats.errors import RatingError, counted
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.ridge import prior_sd, ridge_bradley_terry
from analysis.stats.weighting import effective_votes, inverse_probability_weights, weighted_win_rates


def with_ridge(votes: VoteTable, ridge: float) -> dict[str, Any]:
    """Of analysis.stats.ridge, best first."""
    found = ridge_bradley_terry(votes, ridge)
    rows = [{"system": name, "bt": float(value)} for name, value in zip(found.systems, found.values, strict=True)]
    return {"ridge": ridge, "prior_sd": prior_sd(ridge), "systems": sorted(rows, key=lambda row: -float(row["bt"]))}


def weighted(votes: VoteTable, weights: str) -> dict[str, Any]:
    """Ratings, and shares of votes won, of votes weighted by the inverse of a column (analysis.stats.weighting)."""
    probability = numbers(votes, weights)
    rates, warnings = weighted_win_rates(votes, probability), []
    columns = _columns(rates, "win_rate")
    try:
        columns = {**_columns(contextual_bradley_terry(votes, probability=probability).ratings, "bt"), **columns}
    except RatingError as error:
        warnings.append(str(error))
    found = {
        "by": weights,
        "effective_votes": effective_votes(inverse_probability_weights(votes, probability)),
        "systems": _best_first(rates.systems, columns),
        "warnings": warnings,
    }
    return dict(as_json(found))


def with_covariates(
    votes: VoteTable, covariates: tuple[str, ...], weights: str | None = None, ridge: float | None = None
) -> dict[str, Any]:
    """Ratings that depend on `covariates` (analysis.stats.contextual): with a factor, means over its values.

    `response_time` is the factor by which differences of ratings grow as answers take twice as long. `ridge` draws the
    values of the factor together.
    """
    factor, timed = next((name for name in covariates if name in FACTORS), None), RESPONSE_TIME in covariates
    warnings = []
    if timed:
        known = np.nan_to_num(response_ms(votes)) > 0
        if not known.any():
            raise RatingError("No vote has a response time above 0.")
        votes = votes if known.all() else votes.select(known)
        if without := int((~known).sum()):
            warnings.append(f"{counted(without, 'vote')} without a response time above 0 left out.")
    context = Context(factor=factor, discrimination=np.log2(response_ms(votes)) if timed else None)
    probability = None if weights is None else numbers(votes, weights)
    ratings = contextual_bradley_terry(votes, context, probability, ridge=ridge or 0.0)
    found = {
        "covariates": list(covariates),
        "weights": weights,
        "ridge": ridge,
        "votes": len(votes),
        "effective_votes": ratings.effective_votes,
        "systems": _best_first(ratings.ratings.systems, _columns(ratings.ratings, "bt")),
        "slices": _slices(ratings) if factor else [],
        "response_time": None if ratings.discrimination is None else _multiple(ratings.discrimination),
        "warnings": warnings,
    }
    return dict(as_json(found))


def numbers(votes: VoteTable, column: str) -> FloatArray:
    """An optional column of numbers (N,), which the table has checked."""
    return np.asarray(votes.optional[column], dtype=np.float64)


def _slices(found: ContextualRatings) -> list[dict[str, Any]]:
    def effect(effects: Effects, at: tuple[int, int], name: str) -> dict[str, float]:
        return {name: effects.values[at], f"{name}_low": effects.low[at], f"{name}_high": effects.high[at]}

    return [
        {
            "slice": level,
            "system": system,
            **effect(found.by_level, (i, j), "bt"),
            **effect(found.interactions, (i, j), "interaction"),
        }
        for i, level in enumerate(found.levels)
        for j, system in enumerate(found.ratings.systems)
    ]


def _multiple(of_doubling: Estimate) -> dict[str, float]:
    """e^a of an exponent a."""
    return {name: float(np.exp(getattr(of_doubling, name))) for name in ("value", "low", "high")}


def _columns(ratings: Ratings, name: str) -> Mapping[str, FloatArray]:
    nothing = np.full(len(ratings.systems), np.nan)
    low = nothing if ratings.intervals is None else ratings.intervals.low
    high = nothing if ratings.intervals is None else ratings.intervals.high
    return {name: ratings.values, f"{name}_low": low, f"{name}_high": high}


def _best_first(systems: tuple[str, ...], columns: Mapping[str, FloatArray]) -> list[dict[str, Any]]:
    """By the first of the columns."""
    rows = zip(systems, *columns.values(), strict=True)
    ordered = sorted(rows, key=lambda row: -float(row[1]))
    return [dict(zip(("system", *columns), map(_plain, row), strict=True)) for row in ordered]


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else float(value)
