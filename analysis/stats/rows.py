"""The shape of a summary: what `python -m analysis --json` writes, and what a snapshot stores."""

from __future__ import annotations

import math
from typing import Any, NotRequired, TypedDict


def number_or_none(value: float) -> float | None:
    """As JSON can hold it: what is not known is no number there."""
    return None if math.isnan(value) else float(value)


class SystemRow(TypedDict):
    """`votes` include both-bad; ratings and win rate do not. None: the votes do not determine it."""

    system: str
    votes: int
    simulated_votes: int
    bt: float | None
    bt_low: float | None
    bt_high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    elo: float | None
    elo_order_sd: float | None
    win_rate: float | None
    win_rate_low: float | None
    win_rate_high: float | None


class PairRow(TypedDict):
    """`votes` include both-bad; `win_rate` is that of `a`, a tie counting half and both-bad nothing."""

    a: str
    b: str
    votes: int
    simulated_votes: int
    a_wins: int
    b_wins: int
    ties: int
    both_bad: int
    win_rate: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None


class AgreementRow(TypedDict):
    alpha: float | None
    pairwise: float | None
    leave_one_out: float | None
    prompt_icc: float | None
    rater_icc: float | None


class PositionBias(TypedDict):
    left_share: float | None
    low: float | None
    high: float | None


class QuestionSummary(TypedDict):
    votes: int
    simulated_votes: int
    raters: int
    prompts: int
    systems: list[SystemRow]
    pairs: list[PairRow]
    position_bias: PositionBias
    agreement: AgreementRow
    design_effect: float | None
    effective_votes: float | None
    effective_prompts: float
    effective_raters: float
    warnings: list[str]
    details: NotRequired[dict[str, Any]]
    bootstrap: NotRequired[dict[str, Any] | str]
    conclusion: NotRequired[dict[str, Any]]
    ridge: NotRequired[dict[str, Any] | str]
    weighted: NotRequired[dict[str, Any] | str]
    contextual: NotRequired[dict[str, Any] | str]
    planned_looks: NotRequired[dict[str, Any] | str]
    always_valid: NotRequired[dict[str, Any] | str]


class CombinedRow(TypedDict):
    """The mean of the questions' Bradley-Terry ratings. None: the votes do not determine it."""

    system: str
    bt: float | None
    bt_low: float | None
    bt_high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None


class Combined(TypedDict):
    systems: list[CombinedRow]
    always_valid: NotRequired[dict[str, Any] | str]


class Means(TypedDict):
    """Over all questions; `combined` where there are two or more."""

    headline_elo: dict[str, float]
    combined: NotRequired[Combined]


class Summary(TypedDict):
    """With the Means."""

    questions: dict[str, QuestionSummary]
    headline_elo: dict[str, float]
    combined: NotRequired[Combined]
    settings: dict[str, str | float | list[str]]
    warnings: list[str]


def combined_rows(summary: Summary) -> list[CombinedRow]:
    """Best first; none where there is only one question."""
    return summary["combined"]["systems"] if "combined" in summary else []
