"""What stays true however often one looks, as JSON: of one question, and of all together. Asked for by itself.

Everything is a confidence sequence of `sequential`: an estimate -+ t(1 - c_n / 2; G - 1) se, with the two-way clustered
standard error se of `uncertainty`, G effective clusters, and c_n of `confidence_sequence`, which falls as n votes come.
Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), "Time-uniform central limit theory and asymptotic confidence
sequences", Annals of Statistics 52. Ties are half a win for each.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import partial
from typing import Any

import numpy as np

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.breakdowns import slice_codes
from analysis.stats.combined import combined_ratings
from analysis.stats.details import as_json, part_of, sliced_columns
from analysis.stats.errors import RatingError
from analysis.stats.outcomes import IntArray, VoteTable
from analysis.stats.pair_tests import holm
from analysis.stats.ratings import Ratings
from analysis.stats.sequential import (
    ConfidenceSequence,
    confidence_sequence,
    first_place,
    pair_contrasts,
    rank_ranges_of,
    rating_contrasts,
    side_contrast,
    system_contrasts,
    verdict,
)
from analysis.stats.win_rates import field_win_rates, pair_names, pair_win_rates


def always_valid(votes: VoteTable, planned: int) -> dict[str, Any]:
    """Of one question, of which `planned` votes were planned: pairs, ranks, each system's own numbers, sides, slices.

    Each pair's interval holds by itself, and so do those in `estimates`, `position_bias` and `slices`; ranks, the
    leader and p_holm hold for all at once.
    """
    counted = votes.counted()
    contrasts = pair_contrasts(pair_win_rates(counted))
    watched = confidence_sequence(contrasts, planned / max(1, len(contrasts.a)))
    try:
        ratings, refusal = bradley_terry(counted), ""
    except RatingError as error:
        ratings, refusal = None, str(error)
    found = {
        "planned_votes": planned,
        "pairs": _pairs(watched),
        **_ranking(ratings, len(counted), planned, refusal),
        "estimates": _estimates(counted, ratings, planned),
        "position_bias": _position_bias(counted, planned),
        "slices": {name: part_of(partial(_slices, counted, name, planned)) for name in sliced_columns(counted)},
    }
    return dict(as_json(found))


def always_valid_means(votes: VoteTable, questions: Collection[str], planned: int) -> dict[str, Any]:
    """Of `questions` together, of each of which `planned` votes were planned: the means of `combined`, and the ranks.

    With Q questions, R the mean of a system's Q Bradley-Terry ratings, and se and G those of `combined`, in which
    raters and prompts that questions share count once:

        R -+ t(1 - c_n / 2; G - 1) se(R),    n of `evenly_spread`, Q * planned votes planned in all.

    Each interval holds by itself, ranks and the leader for all systems at once. Raises RatingError as `combined` does.
    """
    by_question = votes.split_by_question()
    ratings = combined_ratings(votes, {name: _rated(by_question.get(name)) for name in questions})
    n_q = np.array([own.kinds.counted.sum() for own in by_question.values()])
    n, planned_in_all = evenly_spread(n_q), planned * len(n_q)
    found = _ranking(ratings, n, planned_in_all, more=n_q.sum() / n)
    own = own_ratings(ratings, n, planned_in_all)
    ends = {
        name: {"bt_low": float(own.low[i]), "bt_high": float(own.high[i])} for i, name in enumerate(ratings.systems)
    }
    systems = [{"system": row["system"], **ends[row["system"]], **row} for row in found["systems"]]
    return dict(as_json({"planned_votes": planned, **found, "systems": systems}))


def evenly_spread(votes: IntArray) -> float:
    """How many votes, as many on each of Q questions, tell as much of means over questions as `votes` (Q,) do.

        n = Q^2 / sum over q of 1 / n_q,

    all of them where they are as many: the variance of a mean of Q ratings, each of which falls as 1 / n_q, falls as
    1 / n. So n runs as information does, also where questions are asked one after another.
    """
    return float(len(votes) ** 2 / (1 / votes).sum())


def _rated(votes: VoteTable | None) -> Ratings | None:
    try:
        return None if votes is None else bradley_terry(votes)
    except RatingError:
        return None


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
        for i, (a, b) in enumerate(pair_names(contrasts.systems, contrasts.a, contrasts.b))
    ]


def _ranking(
    ratings: Ratings | None, votes: float, planned: float, refusal: str = "", more: float = 1.0
) -> dict[str, Any]:
    """Nothing but the `refusal` where there are no ratings. Votes come in `more` times the number that counts."""
    if ratings is None:
        return {"systems": [], "leader": None, "more_votes": None, "verdict": refusal}
    contrasts = rating_contrasts(ratings, votes)
    watched = confidence_sequence(contrasts, planned, at_once=len(contrasts.a))
    low, high = rank_ranges_of(contrasts, watched.sign)
    leader, more_votes = first_place(watched)
    ranks = [
        {"system": name, "rank_low": int(low[i]), "rank_high": int(high[i])} for i, name in enumerate(contrasts.systems)
    ]
    ranks.sort(key=lambda row: (row["rank_low"], row["rank_high"]))
    needed = np.ceil(more_votes * more)
    return {"systems": ranks, "leader": leader, "more_votes": _number(needed), "verdict": verdict(needed)}


def own_ratings(ratings: Ratings, votes: float, planned: float) -> ConfidenceSequence:
    """Every vote bears on every rating."""
    return confidence_sequence(system_contrasts(ratings, 0.0, np.full(len(ratings.systems), float(votes))), planned)


def own_win_rates(votes: VoteTable, planned: float) -> ConfidenceSequence:
    """Against the field; of `planned` votes each of the k systems has 2 / k."""
    k = len(votes.systems)
    own = np.bincount(votes.system_left, minlength=k) + np.bincount(votes.system_right, minlength=k)
    return confidence_sequence(system_contrasts(field_win_rates(votes), 0.5, own.astype(np.float64)), 2 * planned / k)


def _estimates(votes: VoteTable, ratings: Ratings | None, planned: int) -> list[dict[str, Any]]:
    """Win rate against the field and Bradley-Terry rating of each system; None for a rating where there are none."""
    columns = {
        "win_rate": own_win_rates(votes, planned),
        "bt": own_ratings(ratings, len(votes), planned) if ratings else None,
    }
    return [
        {"system": system}
        | {
            f"{name}{end}": float(getattr(watched, column)[i]) if watched else None
            for name, watched in columns.items()
            for end, column in (("_low", "low"), ("_high", "high"))
        }
        for i, system in enumerate(votes.systems)
    ]


def _position_bias(votes: VoteTable, planned: int) -> dict[str, float]:
    watched = confidence_sequence(side_contrast(votes), planned)
    found = {"left_share": watched.contrasts.value, "low": watched.low, "high": watched.high}
    return {name: float(values[0]) for name, values in found.items()}


def _slices(votes: VoteTable, column: str, planned: int) -> list[dict[str, Any]]:
    """Each system's own win rate against the field in each slice; all of them are planned to be equally large."""
    names, slice_of = slice_codes(votes, column)
    rows = []
    for code, name in enumerate(names):
        own = votes.select(slice_of == code)
        watched = own_win_rates(own, planned / len(names))
        ends = zip(own.systems, watched.contrasts.value, watched.low, watched.high, strict=True)
        rows += [
            {"slice": name, "system": system, "win_rate": float(rate), "low": float(low), "high": float(high)}
            for system, rate, low, high in ends
        ]
    return rows


def _number(votes: float) -> int | None:
    return int(votes) if math.isfinite(votes) else None
