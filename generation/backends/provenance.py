"""Which files a checkpoint was: the SHA-256 of each, and of the commit that they came from."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WEIGHTS = re.compile(r"[^.]+(?:\.(?P<variant>[\w-]+?))?(?:-\d+-of-\d+)?\.safetensors")
_OTHER_FORMATS = (".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".pb", ".pt", ".pth")
_NEVER_READ = (".gif", ".jpeg", ".jpg", ".md", ".pdf", ".png", ".webp")  # the repository's own pages
_INDEXES = ("model_index.json", "config.json")  # one of them is read of every checkpoint

_known: dict[tuple[str, int, int, int], str] = {}  # by path, size, time of change and inode


@dataclass(frozen=True)
class Checkpoint:
    """What was loaded: `files` has the SHA-256 of each file by its path, `revision` is the hub's commit."""

    location: str
    revision: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The same wherever the files lie."""
        content = {"revision": self.revision, "files": dict(self.files)}
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def of_folder(location: str, folder: Path, variant: str | None = None) -> Checkpoint:
    return Checkpoint(location, files=_files(folder, variant))


def of_hub(location: str, revision: str | None = None, variant: str | None = None) -> Checkpoint:
    """The snapshot that was loaded, found in the hub's local cache. Without it, nothing is known but the location."""
    from huggingface_hub import try_to_load_from_cache

    for name in _INDEXES:
        cached = try_to_load_from_cache(location, name, revision=revision)
        if isinstance(cached, str):
            snapshot = Path(cached).parent
            return Checkpoint(location, snapshot.name, _files(snapshot, variant))
    return Checkpoint(location)


def of_file(location: str, where: str | Path, name: str) -> Checkpoint:
    """One file of a folder, or of a hub's repository."""
    from huggingface_hub import try_to_load_from_cache

    if isinstance(where, Path):
        return Checkpoint(location, files={name: _sha256(where / name)})
    cached = try_to_load_from_cache(where, name)
    if not isinstance(cached, str):
        return Checkpoint(location)
    snapshot = Path(cached).parents[len(Path(name).parts) - 1]
    return Checkpoint(location, snapshot.name, {name: _sha256(Path(cached))})


def of_prior(location: str | Path, revision: str | None = None, variant: str | None = None) -> Checkpoint | None:
    """The one that a pipeline's card names: diffusers loads it beside the pipeline, with the same options."""
    from huggingface_hub import ModelCard, try_to_load_from_cache

    if isinstance(location, Path):
        card: object = location / "README.md"
    else:
        card = try_to_load_from_cache(location, "README.md", revision=revision)
    if not isinstance(card, str | Path) or not Path(card).is_file():
        return None
    if not (named := ModelCard.load(card).data.get("prior")):
        return None
    folder = Path(named[0])
    return of_folder(named[0], folder, variant) if folder.is_dir() else of_hub(named[0], revision, variant)


def _files(folder: Path, variant: str | None) -> dict[str, str]:
    """The SHA-256 of every file that was or may have been read, by its path below the folder."""
    found = {}
    for parent, names in _folders(folder):
        for name in _used(names, variant):
            path = parent / name
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = _sha256(path)
    return dict(sorted(found.items()))


def _folders(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each folder with the names of its files; of a pipeline, only those of its components."""
    components = _components(folder)
    for parent, below, names in os.walk(folder, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if Path(parent) == folder and components is not None:
            below[:] = [name for name in below if name in components]
            names = [name for name in names if not _is_weights(name)]  # noqa: PLW2901  # a second copy for other programs
        yield Path(parent), [name for name in names if not name.startswith(".") and not name.endswith(_NEVER_READ)]


def _components(folder: Path) -> set[str] | None:
    index = folder / "model_index.json"
    return set(json.loads(index.read_text(encoding="utf-8"))) if index.is_file() else None


def _used(names: Sequence[str], variant: str | None) -> list[str]:
    """Of one folder's files: weights of the variant if it has them, else the plain ones; safetensors before others."""
    variants = {name: match["variant"] for name in names if (match := _WEIGHTS.fullmatch(name))}
    wanted = variant if variant in variants.values() else None
    if wanted is None and None not in variants.values():
        variants = {}  # named in a way of its own: all of them count
    return [
        name
        for name in names
        if (variants[name] == wanted if name in variants else not (variants and name.endswith(_OTHER_FORMATS)))
    ]


def _is_weights(name: str) -> bool:
    return name.endswith((".safetensors", *_OTHER_FORMATS))


def _sha256(path: Path) -> str:
    """A file is read once while it stays as it is, and never where the hub's cache has named it by its hash."""
    if path.is_symlink() and _SHA256.fullmatch(path.readlink().name):
        return path.readlink().name
    facts = path.stat()
    key = (str(path.resolve()), facts.st_size, facts.st_mtime_ns, facts.st_ino)
    if key not in _known:
        with path.open("rb") as file:
            _known[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _known[key]
