"""One way of making numbers: the site, the report and the command line all show what `summarise` returns."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping
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
    exclusion_cautions,
    forgotten_question_cautions,
    interval_cautions,
    side_cautions,
    simulation_cautions,
    spelling_cautions,
    unrated_cautions,
)
from analysis.stats.errors import RatingError
from analysis.stats.estimators import ESTIMATORS
from analysis.stats.outcomes import TIE, BoolArray, IntArray, VoteTable
from analysis.stats.over_questions import means
from analysis.stats.pair_tests import holm, pair_p_values
from analysis.stats.ranks import ranges_by_system, rank_by_system
from analysis.stats.ratings import Ratings, by_system
from analysis.stats.rows import AgreementRow, Combined, PairRow, QuestionSummary, Summary, SystemRow, number_or_none
from analysis.stats.tie_models import MODELS, rate_with_ties
from analysis.stats.uncertainty import CLUSTERS, LEVEL, TWO_WAY, effective_clusters
from analysis.stats.win_rates import PairCounts, Pairs, count_pairs, left_share, pair_names, pair_win_rates

VERSION = 8
"""Goes up whenever the same votes would give other numbers."""

TIES = ("half", "drop", *MODELS)

_UNRATED = (None, None, None)


def summarise(
    votes: VoteTable, seed: int = 0, ties: str = "half", cluster: str = TWO_WAY, asked: Asked = NOTHING
) -> Summary:
    """Everything that is shown of a study's votes, as strict JSON: no NaN, no infinity.

    Questions are treated apart, each with its own random stream from `seed` and its name, so that leaving one
    out changes nothing in the others. `headline_elo` is the mean of the questions' Elos, as the paper on
    Adversarial Diffusion Distillation reports it, for systems rated in every question; `combined` that of their
    Bradley-Terry ratings, with intervals, where there are two questions or more. Votes that do not determine a number
    give None and a warning that says why; without votes everything is empty.

    `ties` (TIES): half a win for each in everything; dropped from everything but counts of votes, raters and prompts;
    or modelled by Bradley-Terry, after Davidson or Rao and Kupper, and half in win rates and Elo.

    `cluster` (uncertainty.CLUSTERS): what intervals, ranks, p-values and the design effect take votes for a sample of.
    `asked`: what each question has besides, and `combined` where there is the same of it.
    """

    def of_question(code: int) -> tuple[QuestionSummary, Ratings | None]:
        own = [seed, zlib.crc32(votes.questions[code].encode())]
        table = votes.select(votes.question == code)
        kept = _without_dropped_ties(table, ties)
        ratings, refusals = _ratings(kept, np.random.default_rng(own), ties, cluster)
        summary = _question_summary(table, kept, ratings, refusals, cluster)
        if asked != NOTHING:
            summary = _with_asked(summary, kept, asked, [*own, 1])
        return summary, ratings.get("bradley-terry")

    with ThreadPoolExecutor(2) as threads:  # more would only hold more in memory
        found = dict(zip(votes.questions, threads.map(of_question, range(len(votes.questions))), strict=True))
    questions = {name: summary for name, (summary, _) in found.items()}
    ratings = {name: rating for name, (_, rating) in found.items()}
    all_kept = _without_dropped_ties(votes, ties)
    over_questions, warnings = means(all_kept, questions, ratings, cluster)
    if asked != NOTHING and "combined" in over_questions:
        over_questions["combined"] = _combined_with_asked(over_questions["combined"], all_kept, questions, asked)
    return {
        "questions": questions,
        **over_questions,
        "settings": {**_settings(seed, ties, cluster), **asked.settings()},
        "warnings": [*forgotten_question_cautions(votes), *spelling_cautions(votes), *warnings],
    }


def _without_dropped_ties(votes: VoteTable, ties: str) -> VoteTable:
    return votes.select(votes.outcome != TIE) if ties == "drop" else votes


def _with_asked(summary: QuestionSummary, kept: VoteTable, asked: Asked, seed: list[int]) -> QuestionSummary:
    from analysis.stats.on_request import on_request  # much to import for who does not ask

    return cast("QuestionSummary", {**summary, **on_request(kept, asked, seed)})


def _combined_with_asked(combined: Combined, kept: VoteTable, questions: Collection[str], asked: Asked) -> Combined:
    from analysis.stats.on_request import over_questions_on_request

    return cast("Combined", {**combined, **over_questions_on_request(kept, questions, asked)})


def _question_summary(
    votes: VoteTable, kept: VoteTable, ratings: Mapping[str, Ratings], refusals: list[str], cluster: str
) -> QuestionSummary:
    """Of votes which all answer one question; `kept` are those that count, and `refusals` say what is not rated."""
    pairs = pair_win_rates(kept, cluster=cluster)
    position = left_share(kept, cluster=cluster)
    effect = design_effect(pairs)
    margins = dict(zip(("prompt", "rater"), effective_clusters(kept), strict=True))
    return {
        "votes": len(votes),
        "simulated_votes": int(votes.simulated.sum()),
        "raters": len(votes.raters),
        "prompts": len(votes.prompts),
        "systems": _system_rows(votes, ratings),
        "pairs": list(_pair_rows(pairs, pairs if kept is votes else count_pairs(votes))),
        "position_bias": {
            "left_share": number_or_none(position.value),
            "low": number_or_none(position.low),
            "high": number_or_none(position.high),
        },
        "agreement": _agreement(kept),
        "design_effect": number_or_none(effect),
        "effective_votes": number_or_none(float(kept.kinds.counted.sum()) / effect),
        "effective_prompts": margins["prompt"],
        "effective_raters": margins["rater"],
        "warnings": [
            *exclusion_cautions(votes),
            *simulation_cautions(votes),
            *both_bad_cautions(votes),
            *dropped_tie_cautions(votes, kept),
            *unrated_cautions(votes, kept),
            *refusals,
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


def _agreement(votes: VoteTable) -> AgreementRow:
    found = agreement(votes)
    return {
        "alpha": number_or_none(found.alpha),
        "pairwise": number_or_none(found.pairwise),
        "leave_one_out": number_or_none(found.leave_one_out),
        "prompt_icc": number_or_none(found.prompt_icc),
        "rater_icc": number_or_none(found.rater_icc),
    }


def _system_rows(votes: VoteTable, ratings: Mapping[str, Ratings]) -> list[SystemRow]:
    """Best first: by Bradley-Terry, or by win rate where that does not exist; unrated systems last."""
    k = len(votes.systems)
    seen, simulated = _votes_by_system(votes), _votes_by_system(votes, votes.simulated)
    columns = {name: by_system(rating) for name, rating in ratings.items()}
    ranges = ranges_by_system(ratings.get("bradley-terry"))
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
    ranks = rank_by_system(strengths)
    for row in rows:
        row["rank"] = ranks[row["system"]]
    return sorted(rows, key=lambda row: (row["rank"] or k + 1, row["system"]))


def _votes_by_system(votes: VoteTable, rows: BoolArray | slice = slice(None)) -> IntArray:
    sides = np.concatenate([votes.system_left[rows], votes.system_right[rows]])
    return np.bincount(sides, minlength=len(votes.systems)).astype(np.intp)


def _order_sd(ratings: Mapping[str, Ratings], system: str) -> float | None:
    rating = ratings.get("elo")
    if rating is None or system not in rating.systems:
        return None
    return float(np.asarray(rating.diagnostics["order_sd"])[rating.systems.index(system)])


def _pair_rows(pairs: Pairs, everything: PairCounts) -> Iterator[PairRow]:
    """`everything`: with the ties, where those are dropped from the rates; a pair of ties alone then has none."""
    names = pair_names(everything.systems, everything.a, everything.b)
    place = {pair: i for i, pair in enumerate(names)}
    p_values = pair_p_values(pairs)
    rates = np.full((len(everything.a), 5), np.nan)
    rates[[place[pair] for pair in pair_names(pairs.systems, pairs.a, pairs.b)]] = np.column_stack(
        [pairs.win_rate, pairs.intervals.low, pairs.intervals.high, p_values, holm(p_values)]
    )
    for i, (a, b) in enumerate(names):
        win_rate, low, high, p, p_holm = map(number_or_none, rates[i])
        yield {
            "a": a,
            "b": b,
            "votes": int(everything.votes[i]),
            "simulated_votes": int(everything.simulated[i]),
            "a_wins": int(everything.a_wins[i]),
            "b_wins": int(everything.b_wins[i]),
            "ties": int(everything.ties[i]),
            "both_bad": int(everything.both_bad[i]),
            "win_rate": win_rate,
            "low": low,
            "high": high,
            "p": p,
            "p_holm": p_holm,
        }


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
