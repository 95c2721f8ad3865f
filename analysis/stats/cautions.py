"""What a reader must know before believing the numbers; one sentence each."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from analysis.stats.errors import counted, listed
from analysis.stats.outcomes import VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.uncertainty import CLUSTERS, FEW_CLUSTERS, INDEPENDENT, Intervals
from analysis.stats.win_rates import Pairs

_NO_INTERVAL = "too few different prompts or raters, or votes without any variation"


def simulation_cautions(votes: VoteTable) -> Iterator[str]:
    if simulated := int(votes.simulated.sum()):
        yield (
            f"{simulated} of {counted(len(votes), 'vote')} {'is' if simulated == 1 else 'are'} simulated: "
            "bots gave them, and they say nothing about what people prefer."
        )


def exclusion_cautions(votes: VoteTable) -> Iterator[str]:
    """Of votes on one question."""
    if left_out := sum(votes.excluded.values()):
        yield (
            f"{left_out} of {counted(len(votes) + left_out, 'vote')} "
            f"{'is left out: it is' if left_out == 1 else 'are left out: they are'} marked as excluded."
        )


def forgotten_question_cautions(votes: VoteTable) -> Iterator[str]:
    """Questions of which nothing is shown, where there are others."""
    forgotten = [f'"{name}"' for name in votes.excluded if name not in votes.questions]
    if forgotten and len(votes):
        yield f"All votes are marked as excluded, and left out, of the question {listed(forgotten)}."


def spelling_cautions(votes: VoteTable) -> Iterator[str]:
    """Names that people take for one: the same once blanks around them are gone and accents are composed (NFC)."""
    kinds = {"question": votes.questions, "prompt": votes.prompts, "system": votes.systems, "rater": votes.raters}
    repeated = {kind: found for kind, names in kinds.items() if (found := _same_but_for_spelling(names))}
    if repeated:
        named = [f"{counted(len(found), kind)} ({listed(found)})" for kind, found in repeated.items()]
        yield (
            "Names that differ only in blanks around them or in how accents are encoded are taken for different ones: "
            f"{listed(named, len(named))}; where they are one, numbers and intervals are wrong."
        )


def _same_but_for_spelling(names: Sequence[str]) -> list[str]:
    """Of different names, in quotation marks and as they are without those differences."""
    plain = [unicodedata.normalize("NFC", name.strip()) for name in names]
    if plain == list(names):  # as nearly always, which need not be counted
        return []
    return [f'"{name}"' for name, spellings in Counter(plain).items() if spellings > 1]


def both_bad_cautions(votes: VoteTable) -> Iterator[str]:
    if dropped := len(votes) - int(votes.kinds.counted.sum()):
        share = dropped / len(votes)
        yield f"Both-bad is not counted in any rating: {counted(dropped, 'vote')}, {share:.0%} of all."


def dropped_tie_cautions(votes: VoteTable, kept: VoteTable) -> Iterator[str]:
    if dropped := len(votes) - len(kept):
        share = dropped / len(votes)
        yield (
            f"Ties are left out of everything but counts of votes, raters and prompts: {counted(dropped, 'vote')}, "
            f"{share:.0%} of all."
        )


def unrated_cautions(votes: VoteTable, kept: VoteTable) -> Iterator[str]:
    """`kept` are the votes that count, without ties where those are dropped."""
    rated = set(kept.ratable().systems)
    if unrated := [name for name in votes.systems if name not in rated]:
        others = "both-bad" if len(kept) == len(votes) else "a tie or both-bad"
        yield f"Not rated, for want of a vote other than {others}: {listed(unrated)}."


def cluster_cautions(cluster: str) -> Iterator[str]:
    if cluster == INDEPENDENT:
        yield (
            "Intervals take every vote for independent: they are too narrow where votes share prompts or raters "
            "(in simulations, 95% intervals held the truth in 36 to 91% of the cases)."
        )
    elif "prompt" not in CLUSTERS[cluster]:
        yield "The prompts are taken for a fixed set: intervals speak of these prompts, and not of others."
    elif "rater" not in CLUSTERS[cluster]:
        yield "The raters are taken for a fixed set: intervals speak of these raters, and not of other people."


def interval_cautions(pairs: Pairs, ratings: Mapping[str, Ratings], margins: Mapping[str, float]) -> Iterator[str]:
    few = [f"{number:.1f} effective {name}s" for name, number in margins.items() if 0 < number < FEW_CLUSTERS]
    if few:
        yield (
            f"Only {listed(few)}, counting each by its share of the votes: "
            f"with fewer than {FEW_CLUSTERS}, intervals are approximate."
        )
    estimates = {"Bradley-Terry ratings": "bradley-terry", "win rates against the field": "win-rate"}
    intervals = {label: ratings[name].intervals for label, name in estimates.items() if name in ratings}
    for label, interval in {"pair win rates": pairs.intervals.of(pairs.counted > 0), **intervals}.items():
        if interval is not None:
            yield from cautions_of(label, interval, margins, say_few=not few)


def cautions_of(label: str, intervals: Intervals, margins: Collection[str], *, say_few: bool = True) -> Iterator[str]:
    """How many of the estimates called so have no interval, and how many have one that rests on few of `margins`."""
    absent = np.isnan(intervals.low)
    if absent.any():
        yield f"No interval for {absent.sum()} of {len(absent)} {label}: {_NO_INTERVAL}."
    thin = int((~absent & (intervals.effective_clusters < FEW_CLUSTERS)).sum())
    if thin and say_few:
        yield (
            f"The intervals of {thin} of {len(absent)} {label} are approximate: "
            f"they rest on fewer than {FEW_CLUSTERS} effective {_either(margins)}."
        )


def _either(margins: Collection[str]) -> str:
    return " or ".join(f"{name}s" for name in margins) or "votes"


def side_cautions(ratings: Mapping[str, Ratings]) -> Iterator[str]:
    if "bradley-terry" in ratings and np.isnan(ratings["bradley-terry"].diagnostics["side"]):
        yield (
            "Bradley-Terry is fitted without a side intercept: these votes cannot tell a preference for one "
            "side from differences between systems."
        )
