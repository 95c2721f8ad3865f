"""A test of one pair that may be stopped after any vote, for votes that share neither prompt nor rater.

Under the null hypothesis a and b are preferred equally often. Betting on a's share q of the votes for either, with
q ~ Beta(g, g), multiplies a stake of 1 by

    E_n = 2^(w + l) B(g + w, g + l) / B(g, g)

after w votes for a and l for b; ties change nothing, for half a win is what the null hypothesis expects. E_n is a
nonnegative martingale that starts at 1, so that with probability 1 - alpha it never reaches 1 / alpha (Ville), exactly
and for any number of votes. Robbins (1970), "Statistical methods related to the law of the iterated logarithm", Annals
of Mathematical Statistics 41; as the beta-binomial mixture, Howard, Ramdas, McAuliffe & Sekhon (2021), "Time-uniform,
nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49; as betting on a bounded mean, Waudby-Smith
& Ramdas (2024), "Estimating means of bounded random variables by betting", Journal of the Royal Statistical Society B
86.

That needs each vote to be a fair coin whatever the votes before it were. Votes that share a prompt or a rater are not:
the first tells what the second will be, and the stake grows without any difference between the systems.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.stats.confidence_sequence import prior_votes
from analysis.stats.errors import RatingError, RepeatedClusterError, counted, listed
from analysis.stats.outcomes import FloatArray, IntArray, VoteTable
from analysis.stats.sequential_looks import time_order
from analysis.stats.uncertainty import LEVEL


@dataclass(frozen=True, eq=False)
class EProcess:
    """`log_values` (n,): ln E after each vote on the pair that is not both-bad. `p`: always valid."""

    a: str
    b: str
    log_values: FloatArray

    @property
    def p(self) -> float:
        """min(1, 1 / the largest E)."""
        return float(np.exp(-self.log_values.max(initial=0.0)))


def pair_e_process(votes: VoteTable, a: str, b: str, planned: float, level: float = LEVEL) -> EProcess:
    """The module's E of votes on systems `a` and `b`, in time order; both-bad is left out.

    g = n0 / 2 makes the test strongest at about `planned` votes, at 1 - level (`confidence_sequence.prior_votes`).

    Raises RepeatedClusterError where a prompt or a rater occurs in two votes, RatingError without any vote on the pair,
    SequenceError for `planned` or `level` out of range.
    """
    prior = prior_votes(planned, 1 - level)
    ordered = time_order(votes)
    names = np.array(votes.systems, dtype=object)
    left, right = names[votes.system_left[ordered]], names[votes.system_right[ordered]]
    score = votes.left_score[ordered]
    ours = (((left == a) & (right == b)) | ((left == b) & (right == a))) & ~np.isnan(score)
    if not ours.any():
        raise RatingError(f"Nothing can be tested: there is no vote on {a} and {b} that is not both-bad.")
    _check_apart(votes.prompt[ordered][ours], votes.prompts, "prompt")
    _check_apart(votes.rater[ordered][ours], votes.raters, "rater")
    score_of_a = np.where(left[ours] == a, score[ours], 1 - score[ours])
    return EProcess(a, b, log_e(np.cumsum(score_of_a == 1), np.cumsum(score_of_a == 0), prior))


def log_e(won: IntArray, lost: IntArray, prior: float) -> FloatArray:
    """ln E after so many votes for a and for b, any shape; `prior` is 2 g."""
    g = prior / 2
    mixture = special.betaln(g + won, g + lost) - special.betaln(g, g)
    return np.asarray((won + lost) * np.log(2) + mixture, dtype=np.float64)


def _check_apart(codes: IntArray, names: tuple[str, ...], noun: str) -> None:
    times = np.bincount(codes, minlength=len(names))
    repeated = np.flatnonzero(times > 1)
    if len(repeated):
        shown = listed([f'"{names[i]}" ({counted(int(times[i]), "vote")})' for i in repeated])
        raise RepeatedClusterError(
            f"A vote-level e-process needs votes that are independent: each {noun} may have one vote on the pair, "
            f"but {counted(len(repeated), noun)} {'has' if len(repeated) == 1 else 'have'} more: {shown}."
        )
