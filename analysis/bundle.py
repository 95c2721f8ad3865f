"""A study in one file, from which anybody can check its numbers without this site: see bundle_check."""

from __future__ import annotations

import json
import tempfile
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from django.core.serializers.json import DjangoJSONEncoder
from pyarrow.parquet import ParquetWriter

from analysis.bundle_check import FORMAT
from analysis.bundle_files import BundleWriter, image_name
from analysis.code_versions import code_versions
from analysis.exports import write_votes_parquet
from analysis.kinds import Given, inputs, inputs_hash
from analysis.models import Snapshot
from analysis.numbers import asked
from analysis.results import hidden
from analysis.table_numbers import BREAKDOWNS, KINDS, of_file
from comparisons.models import Exclusion, Study
from comparisons.studies import StudyError, canonical_design, image_jobs
from comparisons.study_text import write_study
from generation import storage
from generation.models import Checkpoint, Image

README = """\
The study {slug}: its design, its votes, and what was computed of them.

votes.parquet     every vote, also those that are excluded: pandas.read_parquet("votes.parquet")
exclusions.json   what is left out of the numbers and why, also what was restored since
design.json       all that decides what was asked and shown; the SHA-256 of this file is the design hash
study.toml        the same as a study file
prompts.json      the texts; prompt_id of a vote is a prompt's position
systems.json      the settings of each system, and their fingerprints
images.parquet    how each picture was made: seed, SHA-256, times, environment
checkpoints.json  the files of weights that environments name, by their SHA-256
results.json      the numbers of every question; results-with-excluded.json: as if nothing had been left out
breakdowns.json   win rates by category and challenge, and how fragile the first places are
bundle.json       the study's state, and the versions of the code and its libraries
MANIFEST          the SHA-256 of every file: sha256sum -c MANIFEST

Nobody is named: rater and session are keys without a meaning elsewhere.

python -m analysis {slug}.zip checks all of it and computes every number again from the votes.
"""
_ROWS = 1000
_TIMES = ("encode_ms", "denoise_ms", "decode_ms", "total_ms")
_IMAGES = pa.schema(
    {
        "image": pa.string(),
        "system": pa.dictionary(pa.int32(), pa.string()),
        "prompt_id": pa.int32(),
        "seed": pa.uint64(),  # tools of others take all 64 bits
        "sha256": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        **{name: pa.float64() for name in _TIMES},
        "forward_ms": pa.list_(pa.float64()),
        "environment": pa.dictionary(pa.int32(), pa.string()),
        "made_at": pa.timestamp("us", "UTC"),
    }
)


def write_bundle(study: Study, target: IO[bytes], *, with_images: bool = False) -> None:
    """Raises StudyError where there is a refusal. The same study makes the same bytes."""
    if sentence := refusal(study):
        raise StudyError(sentence)
    with tempfile.TemporaryDirectory() as folder, BundleWriter(target) as bundle:
        votes, images = Path(folder, "votes.parquet"), Path(folder, "images.parquet")
        exclusions, numbers, planned_votes = _write_votes(study, votes)
        _write_images(study, images)
        bundle.add("README.txt", README.format(slug=study.slug).encode())
        bundle.add("bundle.json", _json(_about(study, planned_votes)))
        bundle.add("design.json", canonical_design(study).encode())
        bundle.add("study.toml", write_study(study.slug, study.design).encode())
        bundle.add("prompts.json", _json(_prompts(study)))
        bundle.add("systems.json", _json(_systems(study)))
        bundle.add("checkpoints.json", _json(_checkpoints(study)))
        for path in (images, votes):
            with path.open("rb") as file:
                bundle.add(path.name, file)
        bundle.add("exclusions.json", _json(exclusions))
        for kind in KINDS:
            bundle.add(f"{kind}.json", _json(numbers[kind]))
        for sha256 in sorted(_shown(study)) if with_images else ():
            with storage.open_original(sha256) as picture:
                bundle.add(image_name(sha256), picture)


def refusal(study: Study) -> str:
    """Why there is no bundle of it yet; empty where there is."""
    if study.state == Study.State.DRAFT:
        return f"Study {study.slug!r} is a draft: its design has no hash before it is opened."
    return hidden(study)


def _write_votes(study: Study, path: Path) -> tuple[list[dict[str, Any]], dict[str, Any], int | None]:
    """The exclusions and numbers that belong to the votes written; done again where something else changed meanwhile.

    The numbers are the stored ones where they are of these votes, else computed of what was written.
    """
    while True:
        study.refresh_from_db()
        before = inputs(study, "results")
        exclusions = _exclusions(study)
        write_votes_parquet(study, path)
        study.refresh_from_db()
        if inputs_hash(study, "results", before.votes) == before.hash:
            break
    planned = asked(study).planned_votes
    numbers = _stored(study, before.votes) if inputs(study, "results").hash == before.hash else {}
    numbers |= {kind: of_file(path, kind, planned) for kind in KINDS if kind not in numbers}
    return exclusions, numbers, planned


def _stored(study: Study, votes: int) -> dict[str, Any]:
    """By kind, those that were computed of so many votes and of all else as it is."""
    given = Given(study)
    hashes = {kind: given.inputs_hash(kind, votes) for kind in KINDS}
    rows = Snapshot.objects.filter(study=study, kind__in=KINDS)
    found = {row.kind: json.loads(row.results) for row in rows if row.inputs_hash == hashes[row.kind]}
    if BREAKDOWNS in found:  # of votes, without what images took
        found[BREAKDOWNS] = found[BREAKDOWNS]["questions"]
    return found


def _about(study: Study, planned_votes: int | None) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "study": study.slug,
        "state": study.state,
        "opened_at": study.opened_at,
        "closed_at": study.closed_at,
        "design_hash": study.design_hash,
        "planned_votes": planned_votes,
        "versions": code_versions(),
    }


def _prompts(study: Study) -> dict[str, Any]:
    prompts = study.prompt_set.prompts.order_by("position").values("position", "text", "category", "challenge")
    return {"slug": study.prompt_set.slug, "source": study.prompt_set.source, "prompts": list(prompts)}


def _systems(study: Study) -> list[dict[str, Any]]:
    systems = study.systems.order_by("slug")
    return [{"slug": system.slug, "fingerprint": system.fingerprint, "spec": system.spec} for system in systems]


def _exclusions(study: Study) -> list[dict[str, Any]]:
    """Without who decided it: accounts are nobody else's business."""
    return [
        {
            "vote_id": exclusion.vote_id,
            "session": exclusion.session and str(exclusion.session.public_id),
            "reason": exclusion.reason,
            "rule": exclusion.rule,
            "created_at": exclusion.created_at,
            "revoked_at": exclusion.revoked_at,
            "revoked_because": exclusion.revoked_because,
        }
        for exclusion in Exclusion.objects.of_study(study).select_related("session").order_by("id")
    ]


def _checkpoints(study: Study) -> dict[str, Any]:
    """By the hash that environments name them with."""
    environments = Image.objects.filter(job__in=image_jobs(study)).values_list("environment__checkpoints", flat=True)
    named = {sha256 for checkpoints in environments.iterator() for sha256 in (checkpoints or {}).values()}
    rows = Checkpoint.objects.filter(sha256__in=named).order_by("sha256")
    return {row.sha256: {"location": row.location, "revision": row.revision, "files": row.files} for row in rows}


def _shown(study: Study) -> set[str]:
    return set(Image.objects.filter(job__in=image_jobs(study)).values_list("sha256", flat=True))


def _write_images(study: Study, path: Path) -> None:
    found = Image.objects.filter(job__in=image_jobs(study)).select_related("job__system", "job__prompt")
    rows = map(_image, found.order_by("job__system__slug", "job__prompt__position").iterator(chunk_size=_ROWS))
    with ParquetWriter(path, _IMAGES) as file:
        while chunk := list(islice(rows, _ROWS)):
            file.write_batch(pa.RecordBatch.from_pylist(chunk, _IMAGES))


def _image(image: Image) -> dict[str, Any]:
    return {
        "image": str(image.public_id),
        "system": image.job.system.slug,
        "prompt_id": image.job.prompt.position,
        "seed": image.environment["seed"] if image.is_imported else image.job.seed,
        "sha256": image.sha256,
        "width": image.width,
        "height": image.height,
        **{name: getattr(image, name) for name in _TIMES},
        "forward_ms": image.forward_ms,
        "environment": json.dumps(image.environment, sort_keys=True),
        "made_at": image.created_at,
    }


def _json(content: object) -> bytes:
    text = json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False, indent=1)
    return f"{text}\n".encode()
