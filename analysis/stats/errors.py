"""Everything that can be wrong with votes or with what is computed from them.

StatsError
 ├─ VoteFileError        the votes themselves: a file, a column or rows of it
 │   └─ NoVotesError     a file with a header and nothing else
 ├─ BootstrapError       a bootstrap that the votes or the numbers asked for do not allow
 ├─ LookError            planned looks that are none
 ├─ SequenceError        a confidence sequence without a plan
 └─ RatingError          votes which do not determine the ratings
     ├─ DisconnectedError    groups of systems that were never compared with each other
     ├─ SeparationError      systems that never lost, or never won, against the rest
     ├─ ConclusionError      a conclusion that the votes do not bear out
     ├─ RepeatedClusterError a prompt or a rater twice, where each may appear once
     └─ NotConvergedError    the iteration stopped before it was done

Each message is one sentence that says what was found and, where there is one, what is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence

LISTED = 3


class StatsError(ValueError):
    """Base of every error raised on purpose in this package."""


class VoteFileError(StatsError):
    """Votes that cannot be read, or rows of them that say something impossible."""


class NoVotesError(VoteFileError):
    """A vote file without a single vote."""


class BootstrapError(StatsError):
    """A bootstrap that these votes or numbers do not allow."""


class LookError(StatsError):
    """Looks, or a planned size, for which there are no boundaries; one sentence."""


class SequenceError(StatsError):
    """A number out of its range for a confidence sequence; one sentence."""


class RatingError(StatsError):
    """The votes do not determine the ratings that were asked for."""


class DisconnectedError(RatingError):
    """No chain of comparisons leads from one group of systems to another."""


class SeparationError(RatingError):
    """One group of systems never won against the others, so that its strength has no lower limit."""


class ConclusionError(RatingError):
    """Something was to be doubted that the votes do not say."""


class RepeatedClusterError(RatingError):
    """Votes that share a prompt or a rater, where every vote must be independent of the others."""


class NotConvergedError(RatingError):
    """The solver used all its iterations."""


def listed(items: Sequence[object], limit: int = LISTED) -> str:
    """Join in words, with a bound: "3", "3 and 8", "3, 8 and 9", "3, 8, 9 and 12 more"."""
    texts = [str(item) for item in items]
    if len(texts) > limit:
        texts = [*texts[:limit], f"{len(texts) - limit} more"]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 vote", "2 votes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
