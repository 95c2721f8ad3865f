from __future__ import annotations

import hashlib
import io
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageCms, PngImagePlugin
from pytest_django import Settings

from generation import storage


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


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


def test_an_original_lies_at_the_hash_of_its_bytes(folder: Path) -> None:
    sha256 = storage.store_original(noise(64))
    assert files(folder) == [f"originals/{sha256[:2]}/{sha256}.png"]
    content = (folder / files(folder)[0]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256
    assert Image.open(io.BytesIO(content)).tobytes() == noise(64).tobytes()


def test_the_same_pixels_are_stored_once(folder: Path) -> None:
    first = storage.store_original(noise(64))
    assert storage.store_original(full_of_metadata()) == first
    assert storage.store_original(noise(64, seed=2)) != first
    assert len(files(folder)) == 2


def test_the_same_pixels_stored_at_one_moment_are_one_file(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for seed in range(20):
            addresses = set(pool.map(storage.store_original, [noise(32, seed)] * 8))
            assert len(addresses) == 1
            names = set(pool.map(storage.ensure_display, list(addresses) * 8, [16] * 8))
            assert len(names) == 1
    assert len(files(folder)) == 40


def test_a_failed_write_leaves_nothing(folder: Path) -> None:
    with disk_full_after(20_000), pytest.raises(OSError, match="File too large"):
        storage.store_original(noise(256))
    assert files(folder) == []
    sha256 = storage.store_original(noise(256))
    with disk_full_after(20_000), pytest.raises(OSError, match="File too large"):
        storage.ensure_display(sha256, 256)
    assert len(files(folder)) == 1
    storage.ensure_display(sha256, 256)
    assert len(files(folder)) == 2


def test_a_write_that_breaks_off_leaves_nothing(folder: Path) -> None:
    class Torn(ContentFile):  # type: ignore[type-arg]
        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            yield b"half of it"
            raise ConnectionError("the other half never came")

    with pytest.raises(ConnectionError):
        default_storage.save("originals/aa/file.png", Torn(b""))
    assert files(folder) == []


def test_nothing_is_left_of_metadata(folder: Path) -> None:
    sha256 = storage.store_original(full_of_metadata())
    name = storage.ensure_display(sha256, 32)
    for path in folder.rglob("*.*"):
        content = path.read_bytes()
        assert b"sdxl" not in content
        picture = Image.open(path)
        picture.load()
        assert picture.info.keys() <= {"loop", "background", "timestamp", "duration"}, picture.info
        assert not picture.getexif()
    webp = (folder / name).read_bytes()
    assert (webp[:4], webp[8:16]) == (b"RIFF", b"WEBPVP8L")
    assert int.from_bytes(webp[16:20], "little") in {len(webp) - 20, len(webp) - 21}, "a second chunk follows"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK"])
def test_every_derivative_has_the_size_and_form_of_the_study(mode: str) -> None:
    forms = set()
    for size in (32, 48, 100):
        sha256 = storage.store_original(noise(size, mode=mode))
        with storage.open_display(sha256, 48) as handle, Image.open(handle) as picture:
            forms.add((picture.size, picture.format, picture.mode))
    assert forms == {((48, 48), "WEBP", "RGB")}


@pytest.mark.parametrize(("size", "px"), [(64, 64), (64, 48), (96, 64), (32, 64)])
def test_a_derivative_shows_exactly_the_resized_pixels(size: int, px: int) -> None:
    sha256 = storage.store_original(noise(size))
    expected = noise(size).resize((px, px), Image.Resampling.LANCZOS)
    with storage.open_display(sha256, px) as handle, Image.open(handle) as picture:
        assert picture.tobytes() == expected.tobytes()


def test_a_lost_derivative_is_made_again(folder: Path) -> None:
    sha256 = storage.store_original(noise(64))
    path = folder / storage.ensure_display(sha256, 32)
    content = path.read_bytes()
    path.unlink()
    with storage.open_display(sha256, 32) as handle:
        assert handle.read() == content
