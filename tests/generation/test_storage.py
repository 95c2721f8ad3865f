from __future__ import annotations

import hashlib
import io
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageCms, PngImagePlugin
from pytest_django import Settings

from generation import storage
from tests.buckets import Bucket


class Place(Protocol):
    """Where the storage puts files, seen from outside."""

    def files(self) -> dict[str, bytes]: ...

    def remove(self, name: str) -> None: ...


@dataclass(frozen=True)
class Folder:
    path: Path

    def files(self) -> dict[str, bytes]:
        found = [path for path in self.path.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.path)): path.read_bytes() for path in found}

    def remove(self, name: str) -> None:
        (self.path / name).unlink()


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Folder:
    settings.MEDIA_ROOT = tmp_path
    return Folder(tmp_path)


@pytest.fixture
def in_bucket(bucket: Bucket, settings: Settings) -> Bucket:
    settings.STORAGES = settings.STORAGES | bucket.storages()
    return bucket


@pytest.fixture(params=["folder", "in_bucket"])
def place(request: pytest.FixtureRequest) -> Place:
    chosen: Place = request.getfixturevalue(request.param)
    return chosen


def noise(size: int, seed: int = 1, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def reopened(picture: Image.Image, kind: str, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return Image.open(buffer)


def full_of_metadata() -> Image.Image:
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a red fox, Steps: 4, Model: sdxl-turbo")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>sdxl-turbo</x:xmpmeta>")
    exif = Image.Exif()
    exif[0x010E] = exif[0x0131] = "sdxl-turbo"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = reopened(noise(64), "PNG", pnginfo=text, exif=exif, icc_profile=profile, dpi=(72, 72))
    picture.load()
    assert {"parameters", "exif", "icc_profile", "dpi"} <= picture.info.keys()
    return picture


@contextmanager
def disk_full_after(size: int) -> Iterator[None]:
    """Writes of this process fail when a file would grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_name_is_given_to_what_is_on_the_disk_already(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut there is the whole file under its name, or none: content, name, folder, in this order."""
    happened: list[str] = []

    def sync(descriptor: int) -> None:
        synced = Path(f"/proc/self/fd/{descriptor}").resolve()
        happened.append("folder" if synced.is_dir() else f"{synced.stat().st_size} bytes")

    def rename(path: Path, target: Path) -> Path:
        happened.append(f"name {target.name}")
        return replace(path, target)

    replace = Path.replace
    monkeypatch.setattr("generation.storage.os.fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    default_storage.save("a/picture.png", ContentFile(b"0123456789"))
    assert happened == ["10 bytes", "name picture.png", "folder"]
    assert folder.files() == {"a/picture.png": b"0123456789"}


def test_an_original_lies_at_the_hash_of_its_bytes(place: Place) -> None:
    sha256 = storage.store_original(noise(64))
    ((name, content),) = place.files().items()
    assert name == f"originals/{sha256[:2]}/{sha256}.png"
    assert hashlib.sha256(content).hexdigest() == sha256
    assert Image.open(io.BytesIO(content)).tobytes() == noise(64).tobytes()


def test_the_same_pixels_are_stored_once(place: Place) -> None:
    first = storage.store_original(noise(64))
    assert storage.store_original(full_of_metadata()) == first
    assert storage.store_original(noise(64, seed=2)) != first
    assert len(place.files()) == 2


def test_the_same_pixels_stored_at_one_moment_are_one_file(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        for seed in range(5):
            addresses = set(pool.map(storage.store_original, [noise(32, seed)] * 8))
            assert len(addresses) == 1
            names = set(pool.map(storage.ensure_display, list(addresses) * 8, [16] * 8))
            assert len(names) == 1
    assert len(place.files()) == 10


def test_stored_pixels_are_known_again(place: Place) -> None:
    sha256 = storage.store_original(noise(64))
    assert storage.has_pixels(sha256, full_of_metadata())
    assert not storage.has_pixels(sha256, noise(64, seed=2))


def test_a_failed_write_leaves_nothing(folder: Folder) -> None:
    with disk_full_after(20_000), pytest.raises(OSError, match="File too large"):
        storage.store_original(noise(256))
    assert folder.files() == {}
    sha256 = storage.store_original(noise(256))
    with disk_full_after(20_000), pytest.raises(OSError, match="File too large"):
        storage.ensure_display(sha256, 256)
    assert len(folder.files()) == 1
    storage.ensure_display(sha256, 256)
    assert len(folder.files()) == 2


def test_a_site_under_another_user_may_read_what_a_worker_stores(folder: Folder) -> None:
    storage.store_original(noise(64))
    (path,) = (path for path in folder.path.rglob("*") if path.is_file())
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_breaks_off_leaves_nothing(place: Place) -> None:
    class Torn(ContentFile):  # type: ignore[type-arg]
        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            yield b"half of it"
            raise ConnectionError("the other half never came")

        def read(self, size: int | None = None) -> bytes:
            return b"".join(self.chunks())

    with pytest.raises(ConnectionError):
        default_storage.save("originals/aa/file.png", Torn(b""))
    assert place.files() == {}


def test_nothing_is_left_of_metadata(place: Place) -> None:
    sha256 = storage.store_original(full_of_metadata())
    name = storage.ensure_display(sha256, 32)
    for content in place.files().values():
        assert b"sdxl" not in content
        picture = Image.open(io.BytesIO(content))
        picture.load()
        assert picture.info.keys() <= {"loop", "background", "timestamp", "duration"}, picture.info
        assert not picture.getexif()
    webp = place.files()[name]
    assert (webp[:4], webp[8:16]) == (b"RIFF", b"WEBPVP8L")
    assert int.from_bytes(webp[16:20], "little") in {len(webp) - 20, len(webp) - 21}, "a second chunk follows"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK"])
def test_every_derivative_has_the_size_and_form_of_the_study(place: Place, mode: str) -> None:
    forms = set()
    for size in (32, 48, 100):
        sha256 = storage.store_original(noise(size, mode=mode))
        with storage.open_display(sha256, 48) as handle, Image.open(handle) as picture:
            forms.add((picture.size, picture.format, picture.mode))
    assert forms == {((48, 48), "WEBP", "RGB")}


@pytest.mark.parametrize(("size", "px"), [(64, 64), (64, 48), (96, 64), (32, 64)])
def test_a_derivative_shows_exactly_the_resized_pixels(place: Place, size: int, px: int) -> None:
    sha256 = storage.store_original(noise(size))
    expected = noise(size).resize((px, px), Image.Resampling.LANCZOS)
    with storage.open_display(sha256, px) as handle, Image.open(handle) as picture:
        assert picture.tobytes() == expected.tobytes()


def test_a_lost_derivative_is_made_again(place: Place) -> None:
    sha256 = storage.store_original(noise(64))
    name = storage.ensure_display(sha256, 32)
    content = place.files()[name]
    place.remove(name)
    with storage.open_display(sha256, 32) as handle:
        assert handle.read() == content
    assert place.files()[name] == content


def test_a_lost_original_is_named(place: Place) -> None:
    sha256 = storage.store_original(noise(64))
    place.remove(storage.original_name(sha256))
    with pytest.raises(FileNotFoundError) as caught:
        storage.open_display(sha256, 32)
    assert sha256 in str(caught.value)


def test_detail_is_what_a_spoilt_picture_lacks() -> None:
    assert storage.detail(Image.new("RGB", (64, 64), "white")) == 0
    stripes = Image.new("RGB", (64, 64), "black")
    for x in range(0, 64, 2):
        stripes.paste("white", (x, 0, x + 1, 64))
    assert storage.detail(stripes) == pytest.approx(127.5, abs=10), "half of black and white, seen as grey"
