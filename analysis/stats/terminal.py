"""A summary as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.stats.errors import counted
from analysis.stats.rows import CombinedRow, QuestionSummary, Summary, SystemRow, combined_rows
from analysis.stats.terminal_requests import requested, watched_means
from analysis.stats.text_tables import ABSENT, number, table, with_interval

_CLUSTERS = {
    ("prompt", "rater"): "clustered by prompt and rater",
    ("prompt",): "clustered by prompt, the raters being a fixed set",
    ("rater",): "clustered by rater, the prompts being a fixed set",
    (): "as if every vote were independent",
}
_TIES = {
    "half": "Ties count as half a win for each.",
    "drop": "Ties are left out.",
    "davidson": "Bradley-Terry models ties after Davidson; elsewhere they count as half a win for each.",
    "rao-kupper": "Bradley-Terry models ties after Rao and Kupper; elsewhere they count as half a win for each.",
}


def render(summary: Summary) -> str:
    """Plain text; intervals in brackets, "-" where the votes do not determine a number."""
    level, ties = summary["settings"]["level"], str(summary["settings"]["ties"])
    sampled = summary["settings"]["cluster"]
    clusters = _CLUSTERS[tuple(sampled) if isinstance(sampled, list) else ()]
    lines = [f"Intervals: {level:.0%}, {clusters}. {_TIES[ties]}"]
    for name, question in summary["questions"].items():
        lines += ["", *_question(name, question)]
    lines += _over_questions(summary)
    lines += [f"Warning: {warning}" for warning in summary["warnings"]]
    return "\n".join(lines)


def _question(name: str, question: QuestionSummary) -> Iterator[str]:
    yield (
        f"{name}: {counted(question['votes'], 'vote')}, {counted(question['prompts'], 'prompt')} "
        f"({question['effective_prompts']:.1f} effective), {counted(question['raters'], 'rater')} "
        f"({question['effective_raters']:.1f} effective)"
    )
    agreement = question["agreement"]
    yield (
        f"Worth {number(question['effective_votes'], '.0f')} independent votes "
        f"(design effect {number(question['design_effect'], '.1f')}). "
        f"Raters agree on {number(agreement['pairwise'], '.0%')} of the votes on one pair of images "
        f"(Krippendorff's alpha {number(agreement['alpha'], '.2f')})."
    )
    yield ""
    yield from table(
        ["", "ranks", "system", "Bradley-Terry", "Elo", "order sd", "win rate", "votes"],
        [
            [
                *_ranks(row),
                row["system"],
                with_interval(row["bt"], row["bt_low"], row["bt_high"], ".0f"),
                number(row["elo"], ".1f"),
                number(row["elo_order_sd"], ".1f"),
                with_interval(row["win_rate"], row["win_rate_low"], row["win_rate_high"], ".3f"),
                str(row["votes"]),
            ]
            for row in question["systems"]
        ],
    )
    yield ""
    yield from _pairs(question)
    side = question["position_bias"]
    yield ""
    yield f"Left preferred: {with_interval(side['left_share'], side['low'], side['high'], '.3f')}"
    yield from requested(question)
    yield from (f"Warning: {warning}" for warning in question["warnings"])


def _over_questions(summary: Summary) -> Iterator[str]:
    rows = combined_rows(summary)
    if not rows:
        return
    yield from ("", "Means over the questions")
    yield from table(
        ["", "ranks", "system", "Bradley-Terry", "Elo"],
        [
            [
                *_ranks(row),
                row["system"],
                with_interval(row["bt"], row["bt_low"], row["bt_high"], ".0f"),
                number(summary["headline_elo"].get(row["system"]), ".1f"),
            ]
            for row in rows
        ],
    )
    yield from watched_means(summary["combined"].get("always_valid"))


def _ranks(row: SystemRow | CombinedRow) -> list[str]:
    """Rank, and the ranks that are open."""
    return [
        ABSENT if row["rank"] is None else str(row["rank"]),
        ABSENT if row["rank_low"] is None else f"{row['rank_low']} to {row['rank_high']}",
    ]


def _pairs(question: QuestionSummary) -> list[str]:
    return table(
        ["a", "b", "a preferred", "p (Holm)", "a wins", "b wins", "ties", "both bad"],
        [
            [
                pair["a"],
                pair["b"],
                with_interval(pair["win_rate"], pair["low"], pair["high"], ".3f"),
                number(pair["p_holm"], ".2g"),
                str(pair["a_wins"]),
                str(pair["b_wins"]),
                str(pair["ties"]),
                str(pair["both_bad"]),
            ]
            for pair in question["pairs"]
        ],
    )
