"""Which numbers are stored of a study, what makes them, and what decides them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Count, Max
from django.utils.module_loading import import_string

from analysis.stats.summary import VERSION
from analysis.votes import live_exclusions
from comparisons.models import Report, Study, Vote, VoteQuerySet
from comparisons.studies import design_hash, image_jobs
from generation.models import ImageJob, LatencyRun


class Kind(NamedTuple):
    """`maker` is the function of a study that makes the numbers, in a form that JSON can hold."""

    maker: str
    version: int = 1  # goes up whenever the same inputs would give something else
    tells_of_images: bool = False  # what made them, and how long that took
    tells_of_raters: bool = False  # how far they went, and what they reported
    made_of: tuple[str, ...] = ()  # other kinds

    def make(self, study: Study) -> Any:
        return import_string(self.maker)(study)


KINDS = {
    "results": Kind("analysis.numbers.results"),
    "results-with-excluded": Kind("analysis.numbers.results_with_excluded"),
    "activity": Kind("analysis.activity.make", version=3),
    "quality": Kind("analysis.quality.make", version=3),
    "breakdowns": Kind("analysis.numbers.breakdowns", tells_of_images=True),
    "report": Kind("analysis.reporting.facts.facts", version=4, tells_of_images=True, tells_of_raters=True),
    "report-page": Kind(
        "analysis.reporting.html.made",
        version=2,
        tells_of_images=True,
        tells_of_raters=True,
        made_of=("results", "results-with-excluded", "breakdowns", "report"),
    ),
}
RECOUNTED = 1000  # a transaction may end after others whose votes have higher ids, so the last ids are counted again


@dataclass(frozen=True)
class Inputs:
    """What decides the numbers; `votes` are all that the study has, whatever their kind.

    `seen_to` is the id of the site's newest vote, and `seen_last` counts the study's among the RECOUNTED ids up to it:
    what is newer can be told from these without counting all.
    """

    hash: str
    votes: int
    seen_to: int
    seen_last: int


def inputs(study: Study, kind: str) -> Inputs:
    """Counts all votes, which takes a second for a million."""
    seen_to = newest_vote()
    own = _votes(study).filter(id__lte=seen_to)
    votes = own.count()
    return Inputs(inputs_hash(study, kind, votes), votes, seen_to, own.filter(id__gt=seen_to - RECOUNTED).count())


def inputs_hash(study: Study, kind: str, votes: int) -> str:
    """Votes are insert-only, so that their number names them all."""
    return Given(study).inputs_hash(kind, votes)


class Given:
    """What decides a study's numbers beside its votes, read once for all kinds of them."""

    def __init__(self, study: Study) -> None:
        self.study = study

    def inputs_hash(self, kind: str, votes: int) -> str:
        shown = KINDS[kind]
        parts = {
            "code": [VERSION, shown.version, *(KINDS[other].version for other in shown.made_of)],
            "design": self._design,
            "state": self.study.state,
            "votes": votes,
            "exclusions": self._exclusions,
            **({"images": self._images} if shown.tells_of_images else {}),
            **({"raters": self._raters} if shown.tells_of_raters and not misses_raters(self.study, kind) else {}),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _design(self) -> str:
        return design_hash(self.study)

    @cached_property
    def _exclusions(self) -> list[int]:
        return sorted(live_exclusions(self.study).values_list("id", flat=True))

    @cached_property
    def _raters(self) -> list[Any]:
        sessions = self.study.sessions
        stages = sessions.order_by("stage").values_list("stage").annotate(Count("id"))
        reports = Report.objects.filter(assignment__session__study=self.study)
        return [list(stages), sessions.filter(comprehension_tries__gt=1).count(), reports.count()]

    @cached_property
    def _images(self) -> list[int | None]:
        """Images are never changed, and measurements of a system's time neither."""
        runs = LatencyRun.objects.filter(fingerprint__in=self.study.systems.values("fingerprint"))
        made = image_jobs(self.study).filter(state=ImageJob.State.DONE)
        return [made.count(), runs.aggregate(last=Max("id"))["last"]]


def misses_raters(study: Study, kind: str) -> bool:
    """Whether what raters do beside voting changes the numbers and not their hash: while a study is open pages wait for
    the next vote, since each step of each rater would take too long to follow.
    """
    return KINDS[kind].tells_of_raters and study.state == Study.State.OPEN


def newer_votes(study: Study, seen_to: int, seen_last: int, most: int) -> int:
    """How many votes have come since they were counted so; at most one more than `most`."""
    # Between two ends PostgreSQL expects few rows, and takes the index in a prepared statement too.
    since = _votes(study).filter(id__range=(seen_to - RECOUNTED + 1, BigIntegerField.MAX_BIGINT))
    return since[: seen_last + most + 1].count() - seen_last


def newest_vote() -> int:
    """The id of the site's newest; 0 where there is none."""
    return Vote.objects.aggregate(last=Max("id"))["last"] or 0


def _votes(study: Study) -> VoteQuerySet:
    return Vote.objects.filter(assignment__session__study=study)
