"""A summary as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.stats.errors import counted
from analysis.stats.rows import QuestionSummary, Summary

_ABSENT = "-"
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
    if len(summary["questions"]) > 1:
        elos = [[name, f"{value:.1f}"] for name, value in summary["headline_elo"].items()]
        lines += ["", "Mean of the questions' Elos", *_table(["system", "Elo"], elos)]
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
        f"Worth {_number(question['effective_votes'], '.0f')} independent votes "
        f"(design effect {_number(question['design_effect'], '.1f')}). "
        f"Raters agree on {_number(agreement['pairwise'], '.0%')} of the votes on one pair of images "
        f"(Krippendorff's alpha {_number(agreement['alpha'], '.2f')})."
    )
    yield ""
    yield from _table(
        ["", "ranks", "system", "Bradley-Terry", "Elo", "order sd", "win rate", "votes"],
        [
            [
                _ABSENT if row["rank"] is None else str(row["rank"]),
                _ABSENT if row["rank_low"] is None else f"{row['rank_low']} to {row['rank_high']}",
                row["system"],
                _with_interval(row["bt"], row["bt_low"], row["bt_high"], ".0f"),
                _number(row["elo"], ".1f"),
                _number(row["elo_order_sd"], ".1f"),
                _with_interval(row["win_rate"], row["win_rate_low"], row["win_rate_high"], ".3f"),
                str(row["votes"]),
            ]
            for row in question["systems"]
        ],
    )
    yield ""
    yield from _pairs(question)
    side = question["position_bias"]
    yield ""
    yield f"Left preferred: {_with_interval(side['left_share'], side['low'], side['high'], '.3f')}"
    yield from (f"Warning: {warning}" for warning in question["warnings"])


def _pairs(question: QuestionSummary) -> list[str]:
    return _table(
        ["a", "b", "a preferred", "p (Holm)", "a wins", "b wins", "ties", "both bad"],
        [
            [
                pair["a"],
                pair["b"],
                _with_interval(pair["win_rate"], pair["low"], pair["high"], ".3f"),
                _number(pair["p_holm"], ".2g"),
                str(pair["a_wins"]),
                str(pair["b_wins"]),
                str(pair["ties"]),
                str(pair["both_bad"]),
            ]
            for pair in question["pairs"]
        ],
    )


def _number(value: float | None, form: str) -> str:
    return _ABSENT if value is None else format(value, form)


def _with_interval(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if low is None or high is None:
        return _number(value, form)
    return f"{_number(value, form)} [{low:{form}}, {high:{form}}]"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, two blanks apart; numbers are lined up on the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    textual = [any(not row[i][:1].isdigit() and row[i] != _ABSENT for row in rows) for i in range(len(header))]
    return [
        "  ".join(
            cell.ljust(width) if text else cell.rjust(width)
            for cell, width, text in zip(row, widths, textual, strict=True)
        ).rstrip()
        for row in [header, *rows]
    ]
