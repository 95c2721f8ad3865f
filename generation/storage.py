"""Image files, addressed by the hash of their content, and the derivatives that raters see.

They go through Django's storage: files of a folder, or objects of an S3 bucket (s3.py).
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage
from PIL import Image as PillowImage
from PIL import ImageChops, ImageStat

_COARSE = 7  # pixels of a spoilt picture, in each direction


class StorageError(Exception):
    """Images cannot be stored or read now; its text is one sentence that says why."""


class NoRoom(StorageError):
    """The disk is nearly full. Votes are stored there too, and must not be refused for the sake of images."""


class StorageUnavailable(StorageError):
    """The place of the images does not answer, or refuses."""


class AtomicFileSystemStorage(FileSystemStorage):
    """A file appears under its name whole and on disk, or not at all."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: it is the hash of the content, so whoever else writes it now writes the same."""
        return name

    def _save(self, name: str, content: File[bytes]) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
        try:
            with os.fdopen(descriptor, "wb") as handle:
                os.fchmod(descriptor, self.file_permissions_mode or 0o644)
                for chunk in content.chunks():
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())
            Path(temporary).replace(target)
            _sync_folder(target.parent)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return name


def _sync_folder(folder: Path) -> None:
    """The new name must survive a power cut as well as the content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_room() -> None:
    """Raise NoRoom where images are files and the disk has less left than DISK_RESERVE_MB."""
    if not isinstance(default_storage, FileSystemStorage):
        return
    folder = Path(default_storage.location)
    folder.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(folder).free // 2**20
    if free_mb < settings.DISK_RESERVE_MB:
        raise NoRoom(
            f"There are {free_mb} MB left on the disk of {folder}, and no images are made with less than "
            f"{settings.DISK_RESERVE_MB} (DISK_RESERVE_MB): make room, or put the images elsewhere."
        )


def original_name(sha256: str) -> str:
    return f"originals/{sha256[:2]}/{sha256}.png"


def display_name(sha256: str, px: int, *, spoilt: bool = False) -> str:
    return f"display/{px}{'/spoilt' if spoilt else ''}/{sha256[:2]}/{sha256}.webp"


def store_original(picture: PillowImage.Image) -> str:
    """Store the pixels losslessly; return the address: the SHA-256 of the stored bytes.

    Compression level 1 takes an eighth of the default's time for a fifth more bytes, and a fast model is not kept
    waiting for it.
    """
    buffer = io.BytesIO()
    _bare(picture).save(buffer, "PNG", compress_level=1)
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    _store_once(original_name(sha256), buffer.getvalue())
    return sha256


def open_original(sha256: str) -> BinaryIO:
    return default_storage.open(original_name(sha256))  # type: ignore[return-value]


def has_pixels(sha256: str, picture: PillowImage.Image) -> bool:
    """Whether the stored original shows this picture, whatever either file looks like inside."""
    with open_original(sha256) as handle, PillowImage.open(handle) as original:
        return original.size == picture.size and original.tobytes() == _bare(picture).tobytes()


def ensure_display(sha256: str, px: int, *, spoilt: bool = False) -> str:
    """Store the derivative of px by px pixels unless it is there; return its name."""
    name = display_name(sha256, px, spoilt=spoilt)
    if not default_storage.exists(name):
        with open_original(sha256) as handle, PillowImage.open(handle) as original:
            _store_once(name, _encode_display(_spoil(original) if spoilt else original, px))
    return name


def open_display(sha256: str, px: int, *, spoilt: bool = False) -> BinaryIO:
    """The derivative, which is there but for the first time or after a loss: it is not asked whether it is."""
    try:
        handle = default_storage.open(display_name(sha256, px, spoilt=spoilt))
    except FileNotFoundError:
        handle = default_storage.open(ensure_display(sha256, px, spoilt=spoilt))
    return handle  # type: ignore[return-value]


def display_bytes(sha256: str, px: int) -> int:
    """The length of the derivative's file."""
    return default_storage.size(ensure_display(sha256, px))


def detail(picture: PillowImage.Image) -> float:
    """How far the picture is from its spoilt copy: the root mean square over pixels and channels, from 0 to 255."""
    difference = ImageStat.Stat(ImageChops.difference(_bare(picture), _spoil(picture)))
    return math.sqrt(sum(rms**2 for rms in difference.rms) / len(difference.rms))


def _spoil(picture: PillowImage.Image) -> PillowImage.Image:
    """So coarse that nobody who looks can prefer it: what raters are shown to see whether they look."""
    tiny = _bare(picture).resize((_COARSE, _COARSE), PillowImage.Resampling.BOX)
    return tiny.resize(picture.size, PillowImage.Resampling.NEAREST)


def _encode_display(original: PillowImage.Image, px: int) -> bytes:
    """Every derivative of a study has the same size, the same encoding and no metadata.

    Lossless, since artefacts of compression would be judged along with the picture. Method 1 at quality 20
    takes 0.05 s for 512 px; denser settings take two to a hundred times as long for less than one per cent.
    """
    picture = _bare(original)
    if picture.size != (px, px):
        picture = picture.resize((px, px), PillowImage.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True, quality=20, method=1)
    return buffer.getvalue()


def _bare(picture: PillowImage.Image) -> PillowImage.Image:
    """The pixels alone: a new image carries no EXIF, text or colour profile of the old one."""
    rgb = picture.convert("RGB")
    bare = PillowImage.new("RGB", rgb.size)
    bare.paste(rgb)
    return bare


def _store_once(name: str, content: bytes) -> None:
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
