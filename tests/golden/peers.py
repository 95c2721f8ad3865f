"""Writes peers.json: what statsmodels and arena-rank make of the same votes.

arena-rank's sandwich is made of its information and its scatter of gradients, with the pseudo-inverse where it adds a
small ridge to the information and inverts the sum: so the ridge's effect is no part of the comparison.

In an environment of its own: pip install statsmodels==0.15.0 arena-rank==0.1.1; python tests/golden/peers.py
"""

from __future__ import annotations

import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SYSTEMS, SIDE, PROBABILITIES = 5, 0.4, (0.05, 0.1, 0.2)
Array = npt.NDArray[Any]


def votes() -> dict[str, Array]:
    """240 votes of which a sixth are ties; every vote has the probability with which its pair was drawn."""
    rng = np.random.default_rng(11)
    left = rng.integers(0, SYSTEMS, 240)
    right = (left + rng.integers(1, SYSTEMS, 240)) % SYSTEMS
    ahead = 1 / (1 + np.exp(-(0.4 * (left - right) + SIDE)))
    score = np.where(rng.random(240) < 1 / 6, 0.5, rng.random(240) < ahead)
    return {"left": left, "right": right, "score": score, "probability": rng.choice(PROBABILITIES, 240)}


def logistic_regression(drawn: dict[str, Array]) -> dict[str, Any]:
    """statsmodels' GLM on indicators of the systems, all but the last, and a constant for the side."""
    model = import_module("statsmodels.api")
    rows = np.arange(len(drawn["left"]))
    design = np.zeros((len(rows), SYSTEMS))
    design[rows, drawn["left"]] += 1
    design[rows, drawn["right"]] -= 1
    design = np.c_[design[:, :-1], np.ones(len(rows))]
    fit = model.GLM(drawn["score"], design, family=model.families.Binomial()).fit(tol=1e-14, maxiter=200)
    robust = model.GLM(drawn["score"], design, family=model.families.Binomial()).fit(tol=1e-14, cov_type="HC0")
    centred = np.zeros((SYSTEMS + 1, SYSTEMS))  # from contrasts with the last system to strengths of sum nought
    centred[:SYSTEMS, : SYSTEMS - 1] = np.eye(SYSTEMS, SYSTEMS - 1) - 1 / SYSTEMS
    centred[-1, -1] = 1
    return {
        "strengths_and_side": centred @ fit.params,
        "standard_errors": np.sqrt(np.diag(centred @ fit.cov_params() @ centred.T)),
        "robust_standard_errors": np.sqrt(np.diag(centred @ robust.cov_params() @ centred.T)),
    }


def arena_rank_plain(drawn: dict[str, Array]) -> dict[str, Any]:
    """Its Bradley-Terry, which has no side."""
    models, data = import_module("arena_rank.models.bradley_terry"), import_module("arena_rank.utils.data_utils")
    columns = (drawn[name] for name in ("left", "right", "score"))
    rows, counts = np.unique(np.c_[tuple(columns)], axis=0, return_counts=True)
    pairs, score, games = rows[:, :2].astype(np.int32), rows[:, 2], counts.astype(np.float64)
    model = models.BradleyTerry(SYSTEMS, max_iter=10_000, ftol=0.0, gtol=1e-12)
    strengths = model.fit(data.PairDataset(list("abcde"), pairs, score, games, np.ones(len(rows)), games)).params
    ratings = np.asarray(strengths["ratings"])
    parts = model.compute_hessian_and_covariance(ratings, pairs, score, games, games, 0.0, SYSTEMS)
    return {"strengths": ratings - ratings.mean(), "robust_standard_errors": sandwich(*parts)}


def arena_rank_with_a_side(drawn: dict[str, Array], weights: Array) -> dict[str, Any]:
    """Its contextual model without its ridge, whose only covariate is a constant."""
    module = import_module("arena_rank.models.contextual_bradley_terry")
    pairs = np.c_[drawn["left"], drawn["right"]].astype(np.int32)
    ones, score, n = np.ones((len(pairs), 1)), drawn["score"], len(pairs)
    model = module.ContextualBradleyTerry(SYSTEMS, 1, reg=0.0, max_iter=10_000, ftol=0.0, gtol=1e-12)
    dataset = import_module("arena_rank.utils.data_utils").ContextualPairDataset(
        list("abcde"), pairs, score, ones, weights
    )
    found = model.fit(dataset).params
    ratings, side = np.asarray(found["ratings"]), np.asarray(found["coeffs"])
    parts = model.compute_hessian_and_covariance(ratings, side, pairs, ones, score, weights, 0.0, 0.0, SYSTEMS, 1, n)
    return {
        "strengths_and_side": [*(ratings - ratings.mean()), *side],
        "robust_standard_errors": sandwich(*parts) / np.sqrt(n),
    }


def sandwich(information: Array, scatter: Array) -> Array:
    inverse = np.linalg.pinv(np.asarray(information))
    return np.asarray(np.sqrt(np.diag(inverse @ np.asarray(scatter) @ inverse)))


def as_lists(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}


def main() -> None:
    drawn = votes()
    weights = 1 / drawn["probability"]
    peers = [f"{name} {version(name)}" for name in ("statsmodels", "arena-rank")]
    content = {
        "source": f"{' and '.join(peers)}, by tests/golden/peers.py. In log odds.",
        "columns": list(drawn),
        "statsmodels": as_lists(logistic_regression(drawn)),
        "arena_rank_plain": as_lists(arena_rank_plain(drawn)),
        "arena_rank_with_a_side": as_lists(arena_rank_with_a_side(drawn, np.ones(len(weights)))),
        "arena_rank_weighted": as_lists(arena_rank_with_a_side(drawn, weights / weights.mean())),
    }
    rows = ",\n  ".join(json.dumps(row) for row in zip(*(column.tolist() for column in drawn.values()), strict=True))
    parts = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in content.items()]
    text = "{\n" + ",\n".join([*parts, f' "votes": [\n  {rows}\n ]']) + "\n}\n"
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
