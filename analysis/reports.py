"""A study's report: one page that needs nothing but itself, and the numbers beside it as files."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.db.models import Count, F, Q
from django.template.loader import render_to_string
from django.utils import timezone

from analysis import exports, snapshots
from analysis.files import write_lines
from analysis.results import headline, headline_chart, median_latency_ms, question_results
from analysis.stats import Summary
from analysis.votes import excluded_votes, live_exclusions
from comparisons.models import Rater, Study, Vote
from comparisons.studies import image_jobs
from generation.models import Image
from generation.systems import SystemSpec


@dataclass(frozen=True)
class Crowd:
    """The raters of one kind, and their votes."""

    kind: str
    raters: int
    votes: int
    late_votes: int

    @property
    def is_simulated(self) -> bool:
        return self.kind == Rater.Kind.SIMULATED


@dataclass(frozen=True)
class Contrast:
    """A system's win rate under one question, without the excluded votes and with them."""

    question: str
    system: str
    without: float | None
    everything: float | None


@dataclass(frozen=True)
class SystemSettings:
    spec: SystemSpec
    median_ms: float | None


def html(study: Study, summary: Summary) -> str:
    return render_to_string("analysis/report.html", _context(study, summary))


def write_report(study: Study, folder: Path) -> list[Path]:
    """Write the report's files into `folder`, replacing those of an earlier report; return them."""
    summary = snapshots.results(study)
    contents = {
        "report.html": [html(study, summary)],
        "votes.csv": exports.votes_csv(study),
        "leaderboard.csv": exports.leaderboard_csv(summary),
        "win_rates.csv": exports.win_rates_csv(summary),
        "summary.json": [json.dumps(summary, allow_nan=False, indent=2), "\n"],
    }
    for name, lines in contents.items():
        write_lines(folder / name, lines)
    return [folder / name for name in contents]


def _context(study: Study, summary: Summary) -> dict[str, Any]:
    crowds = _crowds(study)
    return {
        "study": study,
        "questions": study.questions.order_by("position"),
        "prompts": study.prompt_set.prompts.count(),
        "systems": _systems(study),
        "devices": _devices(study),
        "imported": _imported(study),
        "crowds": crowds,
        "votes": sum(crowd.votes for crowd in crowds),
        "excluded": excluded_votes(study).count(),
        "simulated": sum(crowd.votes for crowd in crowds if crowd.is_simulated),
        "results": question_results(study, summary),
        "comparison": _with_and_without(study, summary),
        "rules": {name: limit for name, limit in asdict(study.protocol.rules).items() if limit is not None},
        "reasons": _reasons(study),
        "headline": headline(summary),
        "headline_chart": headline_chart(summary),
        "warnings": summary["warnings"],
        "settings": summary["settings"],
        "versions": {"Python": platform.python_version()} | {name: version(name) for name in ("numpy", "scipy")},
        "written_at": timezone.now(),
    }


def _with_and_without(study: Study, summary: Summary) -> list[Contrast]:
    """Each win rate, and what it would be if nothing had been excluded; empty where nothing is."""
    if not live_exclusions(study).exists():
        return []
    everything = snapshots.results(study, with_excluded=True)
    return [
        Contrast(key, row["system"], counted.get(row["system"]), row["win_rate"])
        for key, question in everything["questions"].items()
        for counted in [_win_rates(summary, key)]
        for row in question["systems"]
    ]


def _win_rates(summary: Summary, key: str) -> dict[str, float | None]:
    rows = summary["questions"][key]["systems"] if key in summary["questions"] else []
    return {row["system"]: row["win_rate"] for row in rows}


def _reasons(study: Study) -> list[tuple[str, int]]:
    """How many exclusions each rule has made, and how many people have."""
    rows = live_exclusions(study).order_by("rule").values_list("rule").annotate(Count("id"))
    return [(rule or "decided by a person", count) for rule, count in rows]


def _crowds(study: Study) -> list[Crowd]:
    rater = "assignment__session__rater"
    rows = (
        Vote.objects.standing()
        .filter(assignment__session__study=study)
        .values(kind=F(f"{rater}__kind"))
        .annotate(raters=Count(rater, distinct=True), votes=Count("id"), late_votes=Count("id", filter=Q(late=True)))
        .order_by("kind")
    )
    return [Crowd(**row) for row in rows]


def _systems(study: Study) -> list[SystemSettings]:
    latency = median_latency_ms(study)
    systems = study.systems.order_by("slug")
    return [SystemSettings(system.parsed_spec(), latency.get(system.slug)) for system in systems]


def _imported(study: Study) -> list[str]:
    """The systems of which images were made elsewhere."""
    images = Image.objects.imported().filter(job__in=image_jobs(study)).order_by()
    return sorted(images.values_list("job__system__slug", flat=True).distinct())


def _devices(study: Study) -> list[str]:
    """What the images were made on, as their provenance has it."""
    images = Image.objects.filter(job__in=image_jobs(study)).order_by()
    devices = images.values_list("environment__device", flat=True).distinct()
    return sorted(str(device) for device in devices if device)
