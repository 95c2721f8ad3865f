"""What a summary may be asked for besides. Apart from what computes it, which takes a second to import."""

from __future__ import annotations

from dataclasses import dataclass

RESAMPLED = ("votes", "prompts", "raters", "two-way")
"""What a bootstrap may draw anew; two-way is prompts and raters."""


@dataclass(frozen=True)
class Asked:
    """`bootstrap`: one of RESAMPLED. `planned_votes`: under one question, before the first."""

    details: bool = False
    bootstrap: str | None = None
    planned_votes: int | None = None


NOTHING = Asked()
