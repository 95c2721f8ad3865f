"""All that a report is made of: the study, its stored numbers, and what is known of its images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from analysis.reporting.facts import Facts
from analysis.reporting.image_facts import ImageFacts, image_facts
from analysis.snapshots import newest_of
from analysis.stats import Summary
from analysis.votes import live_exclusions
from comparisons.models import Rater, Study


class NotComputedError(Exception):
    """Some of the stored numbers are not there yet; one sentence."""


@dataclass(frozen=True)
class Source:
    study: Study
    summary: Summary
    everything: Summary  # with the excluded votes
    breakdowns: dict[str, Any]
    facts: Facts
    images: ImageFacts
    written_at: datetime
    as_of: datetime | None  # when the numbers were computed, where something has changed since

    @property
    def votes(self) -> int:
        """All that stand, excluded ones too."""
        return sum(crowd["votes"] for crowd in self.facts["raters"]["crowds"])

    @property
    def simulated_votes(self) -> int:
        crowds = self.facts["raters"]["crowds"]
        return sum(crowd["votes"] for crowd in crowds if crowd["kind"] == Rater.Kind.SIMULATED)

    @property
    def imported_votes(self) -> int:
        crowds = self.facts["raters"]["crowds"]
        return sum(crowd["votes"] for crowd in crowds if crowd["is_imported"])

    @property
    def is_open(self) -> bool:
        return self.study.state == Study.State.OPEN


def kinds_of(study: Study) -> list[str]:
    """Which of analysis.kinds a report is made of: what nothing is excluded from needs no second result."""
    return ["results", "breakdowns", "report", *(["results-with-excluded"] if live_exclusions(study).exists() else [])]


def read_source(study: Study, read: Callable[[Study, str], Any]) -> Source:
    """`read` gives the numbers of one kind. Raises NotComputedError where it has not got all of them yet."""
    return _source(study, {kind: read(study, kind) for kind in kinds_of(study)}, as_of=None)


def stored_source(study: Study) -> Source:
    """Of the numbers as they were computed last; a worker has been asked for newer ones, where there are any."""
    found = newest_of(study, kinds_of(study))
    stale = [each.computed_at for each in found.values() if each.is_stale and each.computed_at]
    return _source(study, {kind: each.content for kind, each in found.items()}, as_of=min(stale, default=None))


def _source(study: Study, found: dict[str, Any], as_of: datetime | None) -> Source:
    if lacking := [kind for kind, numbers in found.items() if numbers is None]:
        raise NotComputedError(f"Not computed yet: {', '.join(lacking)}.")
    source = Source(
        study=study,
        summary=found["results"],
        everything=found.get("results-with-excluded", found["results"]),
        breakdowns=found["breakdowns"],
        facts=found["report"],
        images=image_facts(study),
        written_at=timezone.now(),
        as_of=as_of,
    )
    return _without_results(source) if study.hides_results else source


def _without_results(source: Source) -> Source:
    """Who may not see them yet gets none, whichever way they are told."""
    nothing = Summary(questions={}, headline_elo={}, settings=source.summary["settings"], warnings=[])
    facts = source.facts | {"ties_otherwise": {}}
    return replace(source, summary=nothing, everything=nothing, breakdowns={"questions": {}}, facts=facts)
