"""The zip files that studies are bundled in: how one is written, and whether one is still as it was written. Pure.

Files are stored as they are, without compression, each with the same date: the same files make the same bytes anywhere,
and a bundle that is written anew from its own files must come out the same, byte for byte.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from analysis.stats.errors import StatsError, listed

MANIFEST = "MANIFEST"
NAMES = (
    "README.txt",
    "bundle.json",
    "design.json",
    "study.toml",
    "prompts.json",
    "systems.json",
    "checkpoints.json",
    "images.parquet",
    "votes.parquet",
    "exclusions.json",
    "results.json",
    "results-with-excluded.json",
    "breakdowns.json",
)
_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_IMAGE = re.compile(r"images/([0-9a-f]{64})\.png")
_LINE = re.compile(r"([0-9a-f]{64})  ([\w./-]+)")
_CHUNK = 1 << 20
_UNREADABLE = (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, struct.error)


class BundleError(StatsError):
    """A file that is no bundle, or not one that can be read here; one sentence."""


def image_name(sha256: str) -> str:
    return f"images/{sha256}.png"


def image_sha256(name: str) -> str | None:
    """Of a picture's name the hash that it should have; None for other files."""
    found = _IMAGE.fullmatch(name)
    return found and found[1]


class BundleWriter:
    """Writes files into a zip, one after the other, and MANIFEST at the end: the SHA-256 of each, for sha256sum."""

    def __init__(self, target: IO[bytes]) -> None:
        self._zip = ZipFile(target, "w")
        self._sums: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            lines = (f"{sha256}  {name}\n" for name, sha256 in self._sums.items())
            self.add(MANIFEST, "".join(lines).encode())
        self._zip.close()

    def add(self, name: str, content: bytes | IO[bytes]) -> None:
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        self._sums[name] = _copy(source, self._zip, name, source.seek(0, io.SEEK_END))


class _Compared(io.RawIOBase):
    """Takes what is written for a file, and says where the file has something else."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._place = file, 0
        self._wrong: set[int] = set()

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._place = place
        return place

    def write(self, content: bytes) -> int:  # type: ignore[override]
        """What is written again, as a header is once its file's length is known, counts as it was written last."""
        self._file.seek(self._place)
        is_same = self._file.read(len(content)) == content
        (self._wrong.discard if is_same else self._wrong.add)(self._place)
        self._place += len(content)
        return len(content)

    def first_difference(self) -> int | None:
        """Where the piece begins that differs first."""
        is_longer = self._file.seek(0, io.SEEK_END) > self._place
        return min([*self._wrong, *([self._place] if is_longer else [])], default=None)


def is_zip(path: Path) -> bool:
    """By its name, or by how it begins: whether it is whole is another question."""
    if path.suffix.lower() == ".zip":
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) in _STARTS
    except OSError:
        return False


def open_bundle(path: Path) -> ZipFile:
    """Raises BundleError for anything that holds more, or other, than a bundle does: nothing is ever unpacked."""
    try:
        archive = ZipFile(path)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BundleError(f"{path.name}: cannot be read: {error.strerror}.") from None
    except _UNREADABLE:
        raise BundleError(f"{path.name}: not a whole zip file: it is cut off, or something else.") from None
    try:
        _check_contents(path, archive.infolist())
    except BundleError:
        archive.close()
        raise
    return archive


def changes(path: Path, archive: ZipFile) -> list[str]:
    """Every way, in words, in which the file is not as it was written. Empty: not a byte is another."""
    found = {info.filename: _sha256(archive, info) for info in archive.infolist()}
    sums = _sums(archive) if found.pop(MANIFEST) else None
    if sums is None:
        return [f"{MANIFEST} was changed."]
    wrong = [f"{name} was changed." for name in found if found[name] != sums.get(name, found[name])]
    wrong += [f"{name} is not in {MANIFEST}." for name in found if name not in sums]
    wrong += [f"{name} is missing." for name in sums if name not in found]
    wrong += [f"{name} is another picture." for name in found if image_sha256(name) not in {None, found[name]}]
    return wrong or _outside_of_files(path, archive)


def _check_contents(path: Path, files: Sequence[ZipInfo]) -> None:
    names = [info.filename for info in files]
    if MANIFEST not in names:
        allowed = "bundles, and votes as CSV or Parquet, not zipped"
        raise BundleError(f"{path.name}: a zip file, but no bundle: it has no file {MANIFEST}; allowed are {allowed}.")
    for name in names:
        if name not in {MANIFEST, *NAMES} and image_sha256(name) is None:
            allowed = listed([MANIFEST, *NAMES, "images/SHA256.png"], len(NAMES) + 2)
            raise BundleError(f"{path.name}: holds {name!r}; allowed are {allowed}.")
        if names.count(name) > 1:
            raise BundleError(f"{path.name}: holds {name} more than once.")
    for info in files:
        if info.compress_type != ZIP_STORED or info.compress_size != info.file_size:
            raise BundleError(f"{path.name}: {info.filename} is compressed; a bundle's files are not.")
    if sum(info.file_size for info in files) > path.stat().st_size:
        raise BundleError(f"{path.name}: says that its files are longer than itself.")


def _sums(archive: ZipFile) -> dict[str, str] | None:
    """By name; None where MANIFEST is none."""
    lines = archive.read(MANIFEST).decode("ascii", "replace").splitlines()
    found = [_LINE.fullmatch(line) for line in lines]
    return {line[2]: line[1] for line in found if line} if all(found) else None


def _sha256(archive: ZipFile, info: ZipInfo) -> str | None:
    """None where not even the zip's own checksum is right."""
    digest = hashlib.sha256()
    try:
        with archive.open(info) as file:
            for chunk in _chunks(file):
                digest.update(chunk)
    except _UNREADABLE:
        return None
    return digest.hexdigest()


def _outside_of_files(path: Path, archive: ZipFile) -> list[str]:
    """What differs where the zip says which files it holds, which no checksum covers."""
    with path.open("rb") as file:
        compared = _Compared(file)
        with ZipFile(compared, "w") as again:
            for info in archive.infolist():
                with archive.open(info) as source:
                    _copy(source, again, info.filename, info.file_size)
        place = compared.first_difference()
    return [] if place is None else [f"The zip's own list of files was changed, after byte {place}."]


def _copy(source: IO[bytes], archive: ZipFile, name: str, size: int) -> str:
    info = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, 0o644 << 16  # whatever the machine
    info.file_size = size  # so that a file too long for the old form of zips gets the new one
    digest = hashlib.sha256()
    source.seek(0)
    with archive.open(info, "w") as file:
        for chunk in _chunks(source):
            file.write(chunk)
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk
