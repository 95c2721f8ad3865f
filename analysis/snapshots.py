"""Results of a study: computed once for the same inputs, stored, reused."""

from __future__ import annotations

import hashlib
import json

from django.db.models import Count, Max

from analysis.models import Snapshot
from analysis.stats import Summary, summarise
from analysis.stats.summary import VERSION
from analysis.votes import live_exclusions, vote_table
from comparisons.models import Study, Vote


def inputs_hash(study: Study, *, with_excluded: bool = False) -> str:
    """Of everything that decides the numbers. Votes are insert-only, so their count and last id name them all."""
    votes = Vote.objects.filter(assignment__session__study=study).aggregate(count=Count("id"), last=Max("id"))
    inputs = {
        "code": VERSION,
        "design": study.design_hash,
        "votes": votes,
        "exclusions": [] if with_excluded else sorted(live_exclusions(study).values_list("id", flat=True)),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def results(study: Study, *, with_excluded: bool = False) -> Summary:
    """The stored results of these inputs, or new ones; `with_excluded` as if nothing had been left out."""
    before = inputs_hash(study, with_excluded=with_excluded)
    stored = Snapshot.objects.filter(study=study, inputs_hash=before).first()
    if stored:
        summary: Summary = json.loads(stored.results)
        return summary
    table = vote_table(study, with_excluded=with_excluded)
    unchanged = inputs_hash(study, with_excluded=with_excluded) == before
    summary = summarise(table)
    if unchanged:  # otherwise something came while the votes were read, and the hash would name other inputs
        text = json.dumps(summary, allow_nan=False)
        Snapshot.objects.get_or_create(study=study, inputs_hash=before, defaults={"results": text})
    return summary
