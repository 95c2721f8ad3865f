"""What looks that were planned have shown so far, as JSON."""

from __future__ import annotations

import math
from typing import Any

from analysis.stats.curves import answer_times
from analysis.stats.details import as_json
from analysis.stats.errors import LookError, RatingError, counted
from analysis.stats.outcomes import VoteTable
from analysis.stats.sequential import rank_ranges_of
from analysis.stats.sequential_looks import PlannedLooks, pairs_of, planned_looks, ratings_of
from analysis.stats.spending import LEAST_STEP


def at_planned_looks(votes: VoteTable, planned: int, looks: int, *, ended: bool = False) -> dict[str, Any]:
    """Pairs and ranks after the looks that were due, of `looks` at equal distances up to `planned` votes.

    With `ended` there will be no more votes, and the last look is at all that there are. Each pair is tested by itself;
    ranks hold for all systems at once. Votes after the last look that was due do not count yet.

    LookError before the first look; VoteFileError for times that are none.
    """
    due = schedule(len(votes), planned, looks, ended=ended)
    pairs = planned_looks(votes, due, planned, pairs_of, final=ended)
    later = None if ended or due[-1] >= planned else math.ceil(planned * (len(due) + 1) / looks)
    untimed = "Without times of answers, votes are taken to be in the order of their rows."
    found = {
        "planned_votes": planned,
        "planned_looks": looks,
        "ended": ended,
        "looks": [{"votes": number, "allowed_p": float(p)} for number, p in zip(due, pairs.allowed, strict=True)],
        "next_look": later,
        "pairs": _pairs(pairs),
        **_ranking(votes, due, planned, ended=ended),
        "warnings": [untimed] if answer_times(votes) is None else [],
    }
    return dict(as_json(found))


def schedule(votes: int, planned: int, looks: int, *, ended: bool) -> list[int]:
    """Numbers of votes at which the looks were that are due with so many `votes`. LookError where none is."""
    due = [at for at in (math.ceil(planned * number / looks) for number in range(1, looks + 1)) if at <= votes]
    before = due[-1] if due else 0
    if ended and votes < planned and votes - before >= LEAST_STEP * votes > 0:
        due.append(votes)
    if not due:
        first = math.ceil(planned / looks)
        raise LookError(f"The first of {counted(looks, 'look')} is due at {first} votes; there are {votes}.")
    return due


def _pairs(found: PlannedLooks) -> list[dict[str, Any]]:
    contrasts = found.contrasts
    return [
        {
            "a": contrasts.systems[a],
            "b": contrasts.systems[b],
            "win_rate": float(contrasts.value[i]),
            "p": found.p[:, i],
            "better": contrasts.systems[a if found.sign[i] > 0 else b] if found.sign[i] else None,
            "found_at": int(found.found_at[i]) or None,
        }
        for i, (a, b) in enumerate(zip(contrasts.a, contrasts.b, strict=True))
    ]


def _ranking(votes: VoteTable, due: list[int], planned: int, *, ended: bool) -> dict[str, Any]:
    """Nothing but a sentence where there are no ratings at the last look."""
    try:
        systems = len(votes.counted().systems)
        at_once = max(systems * (systems - 1) // 2, 1)  # ratings_of says why there is none
        found = planned_looks(votes, due, planned, ratings_of, at_once=at_once, final=ended)
    except RatingError as error:
        return {"systems": [], "allowed_p_of_ranks": None, "leader": None, "verdict": str(error)}
    low, high = rank_ranges_of(found.contrasts, found.sign)
    ranks = [
        {"system": name, "rank_low": int(low[i]), "rank_high": int(high[i])}
        for i, name in enumerate(found.contrasts.systems)
    ]
    ranks.sort(key=lambda row: (row["rank_low"], row["rank_high"]))
    first = [row["system"] for row in ranks if row["rank_high"] == 1]
    return {
        "systems": ranks,
        "allowed_p_of_ranks": found.allowed,
        "leader": first[0] if first else None,
        "verdict": "first place is found" if first else "first place is open",
    }
