"""What a report says of the systems: what made the images, on what, of which files, and how long it took. As JSON."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypedDict

from django.db.models import Count

from analysis.reporting.rater_facts import Distribution
from comparisons.models import Study
from comparisons.studies import image_jobs
from generation.benchmarking import timings_of
from generation.latency import Breakdown, Spread, surroundings
from generation.models import Checkpoint, Image, ImageQuerySet, LatencyRun, System
from generation.timing import StageTimings

_STAGES = ("encode_ms", "forward_ms", "denoise_ms", "decode_ms", "total_ms")
_SURROUNDINGS = ("device", "dtype", "threads", "python", "torch", "diffusers", "transformers", "cuda", "driver")
_CALL = ("batch_size", "platform")


class Latency(TypedDict):
    """Milliseconds of a whole call, loading left out; the stages are None where they are not known."""

    call: Distribution
    encode: Distribution | None
    forward: Distribution | None
    decode: Distribution | None
    one_step: Distribution | None


class SystemFacts(TypedDict):
    system: str
    fingerprint: str
    images: int
    imported: int
    latency: Latency | None


class Surroundings(TypedDict):
    systems: list[str]
    images: int
    hardware: str
    batch_size: int | None
    platform: str


class CheckpointFacts(TypedDict):
    systems: list[str]
    part: str  # the key of the specification that names it
    location: str
    revision: str
    sha256: str
    files: int


class Benchmark(TypedDict):
    system: str
    device: str
    batch_size: int
    runs: int
    latency: Latency


class ImageFacts(TypedDict):
    systems: list[SystemFacts]
    surroundings: list[Surroundings]
    checkpoints: list[CheckpointFacts]
    benchmarks: list[Benchmark]


def image_facts(study: Study) -> ImageFacts:
    images = Image.objects.filter(job__in=image_jobs(study)).order_by()
    systems = list(study.systems.order_by("slug"))
    return {
        "systems": _systems(systems, images),
        "surroundings": _surroundings(images),
        "checkpoints": _checkpoints(images),
        "benchmarks": _benchmarks(systems),
    }


def _systems(systems: list[System], images: ImageQuerySet) -> list[SystemFacts]:
    made = dict(images.values_list("job__system").annotate(Count("id")))
    imported = dict(images.imported().values_list("job__system").annotate(Count("id")))
    calls: dict[int, list[StageTimings]] = defaultdict(list)
    for row in images.exclude(total_ms=None).values("job__system", *_STAGES).iterator():
        calls[row.pop("job__system")].append(_timings(row))
    return [
        {
            "system": system.slug,
            "fingerprint": system.fingerprint,
            "images": made.get(system.id, 0),
            "imported": imported.get(system.id, 0),
            "latency": _latency(calls[system.id]) if calls[system.id] else None,
        }
        for system in systems
    ]


def _timings(row: dict[str, Any]) -> StageTimings:
    if row["forward_ms"] is None:
        return StageTimings.of_whole_call(row["total_ms"])
    return StageTimings(**row | {"forward_ms": tuple(row["forward_ms"])})


def _latency(calls: list[StageTimings]) -> Latency:
    """Stages only where every call knows them."""
    found = Breakdown.of(calls)
    return {
        "call": _spread(found.call, len(calls)),
        "encode": _known(found.encode, len(calls)),
        "forward": _known(found.forward, len(calls)),
        "decode": _known(found.decode, len(calls)),
        "one_step": _known(found.one_step, len(calls)),
    }


def _known(spread: Spread | None, count: int) -> Distribution | None:
    return None if spread is None else _spread(spread, count)


def _spread(spread: Spread, count: int) -> Distribution:
    return {"count": count, "lower": spread.lower, "median": spread.median, "upper": spread.upper}


def _surroundings(images: ImageQuerySet) -> list[Surroundings]:
    """As the images' provenance has it, where they were made here."""
    names = [f"environment__{name}" for name in (*_SURROUNDINGS, *_CALL)]
    found: dict[tuple[str, int | None, str], Surroundings] = {}
    rows = images.made_here().values_list("job__system__slug", *names).annotate(Count("id"))
    for system, *values, count in sorted(rows, key=lambda row: row[0]):
        environment = dict(zip((*_SURROUNDINGS, *_CALL), values, strict=True))
        key = (surroundings(environment), environment["batch_size"], environment["platform"] or "")
        empty = Surroundings(systems=[], images=0, hardware=key[0], batch_size=key[1], platform=key[2])
        row = found.setdefault(key, empty)
        row["systems"] += [] if system in row["systems"] else [system]
        row["images"] += count
    return list(found.values())


def _checkpoints(images: ImageQuerySet) -> list[CheckpointFacts]:
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for system, parts in images.values_list("job__system__slug", "environment__checkpoints").distinct():
        for part, sha256 in (parts or {}).items():
            named[part, sha256].add(system)
    known = {row.sha256: row for row in Checkpoint.objects.filter(sha256__in={sha256 for _, sha256 in named})}
    return [
        {
            "systems": sorted(systems),
            "part": part,
            "location": known[sha256].location,
            "revision": known[sha256].revision,
            "sha256": sha256,
            "files": len(known[sha256].files),
        }
        for (part, sha256), systems in sorted(named.items(), key=lambda item: (sorted(item[1]), item[0]))
        if sha256 in known
    ]


def _benchmarks(systems: list[System]) -> list[Benchmark]:
    """The newest measurement of each system, device and batch size."""
    runs = LatencyRun.objects.filter(fingerprint__in=[system.fingerprint for system in systems], error="")
    slugs = {system.fingerprint: system.slug for system in systems}
    newest: dict[tuple[str, str, int], LatencyRun] = {}
    for run in runs.order_by("created_at", "id"):
        newest[slugs[run.fingerprint], run.device, run.batch_size] = run
    return [
        {"system": slug, "device": device, "batch_size": size, "runs": run.runs, "latency": _latency(timings_of(run))}
        for (slug, device, size), run in sorted(newest.items())
    ]
