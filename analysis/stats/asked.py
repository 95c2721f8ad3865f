"""What a summary may be asked for besides. Apart from what computes it, which takes a second to import."""

from __future__ import annotations

from dataclasses import asdict, dataclass

RESAMPLED = ("votes", "prompts", "raters", "two-way")
"""What a bootstrap may draw anew; two-way is prompts and raters."""
FACTORS = ("category", "challenge")
RESPONSE_TIME = "response_time"
COVARIATES = (*FACTORS, RESPONSE_TIME)
"""What ratings may depend on: at most one of the factors, and the response time."""
WEIGHTS = ("probability",)
"""What votes may be weighted by the inverse of."""


@dataclass(frozen=True)
class Asked:
    """`bootstrap`: one of RESAMPLED. `planned_votes`: under one question, before the first; with `looks`, so many looks
    were planned at equal distances up to them, and `ended` says that there will be no more votes. `covariates`: of
    COVARIATES. `weights`: one of WEIGHTS. `ridge`: above 0, as analysis.stats.ridge has it. `conclusion`: that the
    first of two systems is better than the second.
    """

    details: bool = False
    bootstrap: str | None = None
    planned_votes: int | None = None
    looks: int | None = None
    ended: bool = False
    covariates: tuple[str, ...] = ()
    weights: str | None = None
    ridge: float | None = None
    conclusion: tuple[str, str] | None = None

    def columns(self) -> dict[str, str]:
        """The optional columns that votes must have for it, and what for."""
        needed = {"response_ms" if name == RESPONSE_TIME else name: "covariates" for name in self.covariates}
        return needed if self.weights is None else {**needed, self.weights: "weights"}

    def settings(self) -> dict[str, str | float | list[str]]:
        """What of it was asked for, by name."""
        asked = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {name: value for name, value in asked.items() if value}


NOTHING = Asked()
