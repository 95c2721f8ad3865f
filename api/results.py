"""A study's results: the stored numbers that its pages show, and how old they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, Field

from analysis import snapshots
from analysis.result_pages import kinds_of
from analysis.results import hidden
from analysis.stats import rows
from analysis.watched import shown, shown_combined
from api.access import ApiRequest, study_of
from api.problems import problems
from people.rights import Right

router = Router(tags=["Results"])


class SystemRow(Schema):
    """`votes` include both-bad; ratings and win rate do not. Null: the votes do not determine it."""

    system: str
    votes: int
    simulated_votes: int
    bt: float | None = Field(description="Bradley–Terry, on the scale of Elo.")
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


class PairRow(Schema):
    """`win_rate` is that of `a`, a tie counting half and both-bad nothing."""

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


class Agreement(Schema):
    alpha: float | None
    pairwise: float | None
    leave_one_out: float | None
    prompt_icc: float | None
    rater_icc: float | None


class PositionBias(Schema):
    left_share: float | None
    low: float | None
    high: float | None


class QuestionSummary(Schema):
    """Its intervals, ranks and p-values hold at every look while the study is open, then they are of a fixed sample."""

    model_config = ConfigDict(extra="allow")

    votes: int
    simulated_votes: int
    raters: int
    prompts: int
    systems: list[SystemRow]
    pairs: list[PairRow]
    position_bias: PositionBias
    agreement: Agreement
    design_effect: float | None
    effective_votes: float | None
    effective_prompts: float
    effective_raters: float
    warnings: list[str]
    always_valid: dict[str, Any] | str | None = Field(
        None, description="While the study is open: where those come from, and what is enough; a text says why not."
    )


class CombinedRow(Schema):
    """The mean of the questions' Bradley–Terry ratings. Null: not rated under each, or too few votes to say."""

    system: str
    bt: float | None
    bt_low: float | None
    bt_high: float | None
    rank: int | None
    rank_low: int | None
    rank_high: int | None


class Combined(Schema):
    """Its intervals and ranks hold at every look while the study is open, then they are of a fixed sample."""

    systems: list[CombinedRow]
    always_valid: dict[str, Any] | str | None = Field(None, description="As that of a question.")


class Summary(Schema):
    """What `python -m analysis VOTES --json FILE` writes of the same votes, once the study is closed."""

    questions: dict[str, QuestionSummary]
    headline_elo: dict[str, float]
    combined: Combined | None = Field(None, description="Where there are two questions or more.")
    settings: dict[str, str | float | list[str]]
    warnings: list[str]


class Results(Schema):
    computed_at: datetime | None = Field(description="Null: not yet. A worker was asked to; ask again in a minute.")
    is_stale: bool = Field(description="Votes, exclusions, the state or the code have changed since.")
    newer_votes: int = Field(description="Since then; 10001 stands for more than 10000.")
    is_computed_now: bool
    error: str = Field(description="Why the last computation ended without numbers; empty where it did not.")
    results: Summary | None


@router.get(
    "/studies/{slug:slug}/results",
    response={200: Results} | problems(),
    operation_id="get_results",
    summary="Ratings, win rates and their intervals",
    exclude_unset=True,
)
def get_results(request: ApiRequest, slug: str, with_excluded: bool = False) -> Results:
    """The newest stored ones, as the page shows them; where they are stale a worker is asked for new ones.

    Refused while the study is open if its design hides results until then. `with_excluded`: as if nothing had been
    left out. Scope: read:results.
    """
    study = study_of(request, slug, Right.SEE_RESULTS)
    if reason := hidden(study):
        raise HttpError(403, reason)
    found = snapshots.newest(study, kinds_of(with_excluded)[0])
    return Results(
        computed_at=found.computed_at,
        is_stale=found.is_stale,
        newer_votes=found.newer_votes,
        is_computed_now=found.is_computed_now,
        error=found.error,
        results=_shown(found.content) if found.content else None,
    )


def _shown(summary: rows.Summary) -> Any:
    """Of an open study without a number that looking spoils; a dictionary, of which what is not there is not sent."""
    made: dict[str, Any] = {**summary}
    made["questions"] = {name: _shown_question(question) for name, question in summary["questions"].items()}
    if "combined" in summary:
        made["combined"] = {**summary["combined"], "systems": shown_combined(summary)}
    return made


def _shown_question(question: rows.QuestionSummary) -> dict[str, Any]:
    now = shown(question)
    return {**question, "systems": now.systems, "pairs": now.pairs, "position_bias": now.position_bias}
