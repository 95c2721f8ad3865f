"""One way of making numbers: the site, the report and the command line all show what `summarise` returns."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np

from analysis.stats import bradley_terry, elo
from analysis.stats.agreement import agreement, design_effect
from analysis.stats.asked import NOTHING, Asked
from analysis.stats.cautions import (
    both_bad_cautions,
    cluster_cautions,
    dropped_tie_cautions,
    interval_cautions,
    side_cautions,
    simulation_cautions,
)
from analysis.stats.errors import RatingError, listed
from analysis.stats.estimators import ESTIMATORS
from analysis.stats.outcomes import TIE, BoolArray, IntArray, VoteTable
from analysis.stats.pair_tests import holm, pair_p_values
from analysis.stats.ranks import rank_ranges
from analysis.stats.ratings import Ratings
from analysis.stats.rows import AgreementRow, PairRow, QuestionSummary, Summary, SystemRow
from analysis.stats.tie_models import MODELS, rate_with_ties
from analysis.stats.uncertainty import CLUSTERS, LEVEL, TWO_WAY, effective_clusters
from analysis.stats.win_rates import PairCounts, Pairs, count_pairs, left_share, pair_win_rates

VERSION = 5
"""Goes up whenever the same votes would give other numbers."""

TIES = ("half", "drop", *MODELS)

_UNRATED = (None, None, None)
_SAME = 1e-9


def summarise(
    votes: VoteTable, seed: int = 0, ties: str = "half", cluster: str = TWO_WAY, asked: Asked = NOTHING
) -> Summary:
    """Everything that is shown of a study's votes, as strict JSON: no NaN, no infinity.

    Questions are treated apart, each with its own random stream from `seed` and its name, so that leaving one
    out changes nothing in the others. `headline_elo` is the mean of the questions' Elos, as the paper on
    Adversarial Diffusion Distillation reports it, for systems rated in every question. Votes that do not
    determine a number give None and a warning that says why; without votes everything is empty.

    `ties` (TIES): half a win for each in everything; dropped from everything; or modelled by Bradley-Terry, after
    Davidson or Rao and Kupper, and half in win rates and Elo.

    `cluster` (uncertainty.CLUSTERS): what intervals, ranks, p-values and the design effect take votes for a sample of.
    `asked`: what each question has besides.
    """

    def of_question(code: int) -> QuestionSummary:
        own = [seed, zlib.crc32(votes.questions[code].encode())]
        table = votes.select(votes.question == code)
        summary = summarise_question(table, np.random.default_rng(own), ties, cluster)
        return summary if asked == NOTHING else _with_asked(summary, table, asked, ties, [*own, 1])

    with ThreadPoolExecutor(2) as threads:  # more would only hold more in memory
        found = threads.map(of_question, range(len(votes.questions)))
        questions = dict(zip(votes.questions, found, strict=True))
    headline, warnings = _headline(questions)
    return {
        "questions": questions,
        "headline_elo": headline,
        "settings": {**_settings(seed, ties, cluster), **asked.settings()},
        "warnings": warnings,
    }


def _with_asked(
    summary: QuestionSummary, votes: VoteTable, asked: Asked, ties: str, seed: list[int]
) -> QuestionSummary:
    from analysis.stats.on_request import on_request  # much to import for who does not ask

    kept = votes.select(votes.outcome != TIE) if ties == "drop" else votes
    return cast("QuestionSummary", {**summary, **on_request(kept, asked, seed)})


def summarise_question(
    votes: VoteTable, rng: np.random.Generator, ties: str = "half", cluster: str = TWO_WAY
) -> QuestionSummary:
    """The summary of votes which all answer one question."""
    kept = votes.select(votes.outcome != TIE) if ties == "drop" else votes
    pairs = pair_win_rates(kept, cluster=cluster)
    position = left_share(kept, cluster=cluster)
    ratings, warnings = _ratings(kept, rng, ties, cluster)
    effect = design_effect(pairs)
    margins = dict(zip(("prompt", "rater"), effective_clusters(kept), strict=True))
    return {
        "votes": len(votes),
        "simulated_votes": int(votes.simulated.sum()),
        "raters": len(votes.raters),
        "prompts": len(votes.prompts),
        "systems": _system_rows(votes, ratings, _rank_ranges(ratings)),
        "pairs": list(_pair_rows(pairs, pairs if kept is votes else count_pairs(votes))),
        "position_bias": {
            "left_share": _number(position.value),
            "low": _number(position.low),
            "high": _number(position.high),
        },
        "agreement": _agreement(votes),
        "design_effect": _number(effect),
        "effective_votes": _number(float(kept.kinds.counted.sum()) / effect),
        "effective_prompts": margins["prompt"],
        "effective_raters": margins["rater"],
        "warnings": [
            *simulation_cautions(votes),
            *both_bad_cautions(kept),
            *dropped_tie_cautions(votes, kept),
            *warnings,
            *side_cautions(ratings),
            *cluster_cautions(cluster),
            *interval_cautions(pairs, ratings, {name: margins[name] for name in CLUSTERS[cluster]}),
        ],
    }


def _ratings(
    votes: VoteTable, rng: np.random.Generator, ties: str, cluster: str
) -> tuple[dict[str, Ratings], list[str]]:
    ratings: dict[str, Ratings] = {}
    warnings = []
    if votes.kinds.counted.any():
        for name, estimate in ESTIMATORS.items():
            try:
                is_modelled = name == "bradley-terry" and ties in MODELS
                ratings[name] = (
                    rate_with_ties(votes, ties, cluster=cluster)
                    if is_modelled
                    else estimate(votes, rng, cluster=cluster)
                )
            except RatingError as error:
                warnings.append(str(error))
    return ratings, warnings


def _rank_ranges(ratings: Mapping[str, Ratings]) -> dict[str, tuple[int, int]]:
    """Empty where there is no Bradley-Terry rating, or nothing to say how uncertain it is."""
    ranks = rank_ranges(ratings["bradley-terry"]) if "bradley-terry" in ratings else None
    if ranks is None:
        return {}
    return {name: (int(low), int(high)) for name, low, high in zip(ranks.systems, ranks.low, ranks.high, strict=True)}


def _agreement(votes: VoteTable) -> AgreementRow:
    found = agreement(votes)
    return {
        "alpha": _number(found.alpha),
        "pairwise": _number(found.pairwise),
        "leave_one_out": _number(found.leave_one_out),
        "prompt_icc": _number(found.prompt_icc),
        "rater_icc": _number(found.rater_icc),
    }


def _system_rows(
    votes: VoteTable, ratings: Mapping[str, Ratings], ranges: Mapping[str, tuple[int, int]]
) -> list[SystemRow]:
    """Best first: by Bradley-Terry, or by win rate where that does not exist; unrated systems last."""
    k = len(votes.systems)
    seen, simulated = _votes_by_system(votes), _votes_by_system(votes, votes.simulated)
    columns = {name: _by_system(rating) for name, rating in ratings.items()}
    rows: list[SystemRow] = []
    for name, total, of_bots in zip(votes.systems, seen, simulated, strict=True):
        bt, bt_low, bt_high = columns.get("bradley-terry", {}).get(name, _UNRATED)
        win_rate, win_rate_low, win_rate_high = columns.get("win-rate", {}).get(name, _UNRATED)
        rows.append(
            {
                "system": name,
                "votes": int(total),
                "simulated_votes": int(of_bots),
                "bt": bt,
                "bt_low": bt_low,
                "bt_high": bt_high,
                "rank": None,
                "rank_low": ranges[name][0] if name in ranges else None,
                "rank_high": ranges[name][1] if name in ranges else None,
                "elo": columns.get("elo", {}).get(name, _UNRATED)[0],
                "elo_order_sd": _order_sd(ratings, name),
                "win_rate": win_rate,
                "win_rate_low": win_rate_low,
                "win_rate_high": win_rate_high,
            }
        )
    strengths = {row["system"]: row["bt"] if "bradley-terry" in ratings else row["win_rate"] for row in rows}
    known = [strength for strength in strengths.values() if strength is not None]
    for row in rows:
        strength = strengths[row["system"]]
        row["rank"] = None if strength is None else 1 + sum(other > strength + _SAME for other in known)
    return sorted(rows, key=lambda row: (row["rank"] or k + 1, row["system"]))


def _votes_by_system(votes: VoteTable, rows: BoolArray | slice = slice(None)) -> IntArray:
    sides = np.concatenate([votes.system_left[rows], votes.system_right[rows]])
    return np.bincount(sides, minlength=len(votes.systems)).astype(np.intp)


def _by_system(rating: Ratings) -> dict[str, tuple[float | None, float | None, float | None]]:
    nothing = np.full(len(rating.systems), np.nan)
    low = nothing if rating.intervals is None else rating.intervals.low
    high = nothing if rating.intervals is None else rating.intervals.high
    numbers = zip(rating.values, low, high, strict=True)
    return {
        name: (_number(value), _number(lowest), _number(highest))
        for name, (value, lowest, highest) in zip(rating.systems, numbers, strict=True)
    }


def _order_sd(ratings: Mapping[str, Ratings], system: str) -> float | None:
    rating = ratings.get("elo")
    if rating is None or system not in rating.systems:
        return None
    return float(np.asarray(rating.diagnostics["order_sd"])[rating.systems.index(system)])


def _pair_rows(pairs: Pairs, everything: PairCounts) -> Iterator[PairRow]:
    """`everything`: with the ties, where those are dropped from the rates."""
    ties = {(a, b): count for a, b, count in zip(*_named(everything), everything.ties, strict=True)}
    p_values = pair_p_values(pairs)
    adjusted = holm(p_values)
    for i, (a, b) in enumerate(zip(pairs.a, pairs.b, strict=True)):
        yield {
            "a": pairs.systems[a],
            "b": pairs.systems[b],
            "votes": int(pairs.votes[i] - pairs.ties[i] + ties[pairs.systems[a], pairs.systems[b]]),
            "simulated_votes": int(pairs.simulated[i]),
            "a_wins": int(pairs.a_wins[i]),
            "b_wins": int(pairs.b_wins[i]),
            "ties": int(ties[pairs.systems[a], pairs.systems[b]]),
            "both_bad": int(pairs.both_bad[i]),
            "win_rate": _number(pairs.win_rate[i]),
            "low": _number(pairs.intervals.low[i]),
            "high": _number(pairs.intervals.high[i]),
            "p": _number(p_values[i]),
            "p_holm": _number(adjusted[i]),
        }


def _named(pairs: PairCounts) -> tuple[list[str], list[str]]:
    return [pairs.systems[a] for a in pairs.a], [pairs.systems[b] for b in pairs.b]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _headline(questions: Mapping[str, QuestionSummary]) -> tuple[dict[str, float], list[str]]:
    elos: dict[str, list[float]] = {}
    for summary in questions.values():
        for row in summary["systems"]:
            elos.setdefault(row["system"], []).extend([] if row["elo"] is None else [row["elo"]])
    everywhere = {name: sum(values) / len(values) for name, values in elos.items() if len(values) == len(questions)}
    partly = sorted(set(elos) - set(everywhere))
    warnings = [f"No headline Elo for {listed(partly)}: not rated in every question."] if partly else []
    return dict(sorted(everywhere.items(), key=lambda item: (-item[1], item[0]))), warnings


def _settings(seed: int, ties: str, cluster: str) -> dict[str, str | float | list[str]]:
    return {
        "version": VERSION,
        "seed": seed,
        "ties": ties,
        "both_bad": "not counted",
        "cluster": list(CLUSTERS[cluster]),
        "level": LEVEL,
        "elo_k": elo.K,
        "elo_start": elo.START,
        "elo_scale": elo.SCALE,
        "elo_shuffles": elo.SHUFFLES,
        "bt_scale": bradley_terry.SCALE,
        "bt_base": bradley_terry.BASE,
        "bt_mean": bradley_terry.MEAN,
        "bt_side_intercept": "fitted",
    }
