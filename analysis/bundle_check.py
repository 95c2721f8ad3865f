"""Is a study's bundle as it was written, and do its votes give its numbers? Pure: no database is needed."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import pyarrow as pa
from pyarrow import parquet

from analysis.bundle_files import MANIFEST, BundleError, changes, image_name, open_bundle
from analysis.code_versions import code_versions
from analysis.stats.errors import counted, listed
from analysis.table_numbers import KINDS, of_file
from generation.prompts import PromptLine, prompts_sha256
from generation.systems import SpecError, SystemSpec

FORMAT = 1
MOST_VOTES = 100_000_000
"""A file of a few bytes can say that it has any number of rows."""
_SHOWN = 5
_ROUNDING = 1e-9
_MISSING = object()

Difference = tuple[str, object, object]


def check_bundle(path: Path) -> tuple[bool, list[str]]:
    """Whether everything agrees, and what to say of it. Raises StatsError for what cannot be read as a bundle."""
    with open_bundle(path) as archive:
        return _checked(path, archive)


def _checked(path: Path, archive: ZipFile) -> tuple[bool, list[str]]:
    if changed := changes(path, archive):
        return False, [f"{path.name} is not as it was written.", *(f"  {sentence}" for sentence in changed)]
    about = _about(archive)
    manifest = hashlib.sha256(archive.read(MANIFEST)).hexdigest()
    lines = [
        f"{path.name}: the study {about['study']!r}, design {about['design_hash']!r}.",
        f"Its {len(archive.infolist()) - 1} files are as they were written: {MANIFEST} {manifest}.",
    ]
    with tempfile.TemporaryDirectory() as folder:
        votes = Path(folder, "votes.parquet")
        with _member(archive, votes.name) as source, votes.open("wb") as target:
            shutil.copyfileobj(source, target)
        wrong = [*_wrong_design(archive, about), *_wrong_images(archive), *_wrong_exclusions(archive, votes)]
        stored = {kind: _json(archive, f"{kind}.json") for kind in KINDS}
        again = {kind: of_file(votes, kind, about["planned_votes"]) for kind in KINDS}
    lines += wrong or ["Design, prompts, systems, images and exclusions are those that it names."]
    found = list(_differences(stored, json.loads(json.dumps(again))))
    return not wrong and not found, lines + _compared(stored, found, about["versions"])


def _about(archive: ZipFile) -> dict[str, Any]:
    about = _json(archive, "bundle.json")
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        found = about.get("format") if isinstance(about, dict) else about
        raise BundleError(f"bundle.json: format is {found!r}; allowed is {FORMAT}.")
    for name, kind in {"study": str, "design_hash": str, "planned_votes": int | None, "versions": dict}.items():
        if not isinstance(about.get(name, _MISSING), kind):
            raise BundleError(f"bundle.json: {name} is {about.get(name)!r}, which a bundle never says.")
    return about


def _wrong_design(archive: ZipFile, about: Mapping[str, Any]) -> Iterator[str]:
    if hashlib.sha256(_bytes(archive, "design.json")).hexdigest() != about["design_hash"]:
        yield "design.json does not have the design hash that bundle.json names."
    design, prompts, systems = (_json(archive, f"{name}.json") for name in ("design", "prompts", "systems"))
    try:
        lines = [PromptLine(row["text"], row["category"], row["challenge"]) for row in prompts["prompts"]]
        if prompts_sha256(lines) != design["prompts_sha256"]:
            yield "prompts.json does not hold the prompts of the design."
        specs = [SystemSpec.from_dict(row["spec"]) for row in systems]
        named = [(row["slug"], row["fingerprint"]) for row in systems]
        if [(spec.slug, spec.fingerprint) for spec in specs] != named:
            yield "systems.json names fingerprints that its specifications do not have."
        designed = [SystemSpec.from_dict(spec).fingerprint for spec in design["systems"]]
        if sorted(designed) != sorted(fingerprint for _, fingerprint in named):
            yield "systems.json does not hold the systems of the design."
    except (KeyError, TypeError, SpecError) as error:
        raise BundleError(f"design.json, prompts.json or systems.json is none: {error}.") from None


def _wrong_images(archive: ZipFile) -> Iterator[str]:
    """Pictures may be left out, all of them; they were compared with their names before."""
    try:
        listed_here = parquet.read_table(pa.BufferReader(_bytes(archive, "images.parquet")), columns=["sha256"])
    except pa.ArrowException:
        raise BundleError("images.parquet: not a Parquet file with a column sha256.") from None
    wanted = {image_name(str(sha256)) for sha256 in listed_here["sha256"].unique().to_pylist()}
    there = {name for name in archive.namelist() if name.startswith("images/")}
    if there and there != wanted:
        yield f"images.parquet lists {counted(len(wanted), 'picture')}, {len(wanted & there)} of them in the bundle."


def _wrong_exclusions(archive: ZipFile, votes: Path) -> Iterator[str]:
    rows = _json(archive, "exclusions.json")
    try:
        live = [row for row in rows if row["revoked_at"] is None]
        excluded_votes, sessions = ({row[name] for row in live} - {None} for name in ("vote_id", "session"))
    except (KeyError, TypeError):
        raise BundleError("exclusions.json: not a list of exclusions.") from None
    wrong = 0
    for batch in _batches(votes, ["vote_id", "session", "excluded"]):
        ids, by, excluded = (column.to_pylist() for column in batch.columns)
        expected = (vote in excluded_votes or session in sessions for vote, session in zip(ids, by, strict=True))
        wrong += sum(is_out != should for is_out, should in zip(excluded, expected, strict=True))
    if wrong:
        yield f"{counted(wrong, 'vote')} of votes.parquet are excluded otherwise than exclusions.json says."


def _batches(votes: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        file = parquet.ParquetFile(votes)
        if file.metadata.num_rows > MOST_VOTES:
            raise BundleError(f"votes.parquet: {file.metadata.num_rows} votes; allowed are {MOST_VOTES}.")
        yield from (batch.select(columns) for batch in file.iter_batches(columns=columns))
    except (pa.ArrowException, KeyError, OSError):
        raise BundleError(f"votes.parquet: not a Parquet file with {listed(columns)}.") from None


def _differences(stored: Any, again: Any, place: str = "") -> Iterator[Difference]:
    """Where, and the two values; numbers are the same if every digit is."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for name in stored | again:
            yield from _differences(
                stored.get(name, _MISSING), again.get(name, _MISSING), f"{place}.{name}".lstrip(".")
            )
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for number, values in enumerate(zip(stored, again, strict=True)):
            yield from _differences(*values, f"{place}[{number}]")
    elif type(stored) is not type(again) or stored != again:
        yield place, stored, again


def _compared(stored: object, found: list[Difference], versions: Mapping[str, str]) -> list[str]:
    if not found:
        return [f"Recomputed from its votes, all {_count(stored)} values agree with the stored ones to the last digit."]
    lines = [f"Recomputed from its votes, {len(found)} of {_count(stored)} values differ from the stored ones:"]
    lines += [f"  {place!r}: stored {_shown(then)}, computed {_shown(now)}" for place, then, now in found[:_SHOWN]]
    lines += [f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    here = code_versions()
    others = [
        f"{name} {versions.get(name)} there, {here.get(name)} here"
        for name in {**versions, **here}
        if versions.get(name) != here.get(name)
    ]
    if not others:
        return [*lines, "The code and its libraries are the same."]
    is_rounding = all(_is_rounding(then, now) for _, then, now in found)
    meaning = "Only last digits differ, as they may with other versions" if is_rounding else "Versions differ"
    return [*lines, f"{meaning}: {'; '.join(others)}."]


def _is_rounding(then: object, now: object) -> bool:
    if not isinstance(then, float) or not isinstance(now, float):
        return False
    return math.isclose(then, now, rel_tol=_ROUNDING, abs_tol=_ROUNDING)


def _shown(value: object) -> str:
    return "nothing" if value is _MISSING else json.dumps(value)[:60]


def _count(value: object) -> int:
    if isinstance(value, dict | list):
        return sum(map(_count, value.values() if isinstance(value, dict) else value))
    return 1


def _json(archive: ZipFile, name: str) -> Any:
    try:
        return json.loads(_bytes(archive, name))
    except (ValueError, RecursionError):
        raise BundleError(f"{name}: not JSON.") from None


def _bytes(archive: ZipFile, name: str) -> bytes:
    with _member(archive, name) as file:
        return file.read()


def _member(archive: ZipFile, name: str) -> IO[bytes]:
    if name not in archive.namelist():
        raise BundleError(f"no bundle of a study: it holds no {name}.")
    return archive.open(name)
