"""Pictures of one length: the same pixels, and nothing in the file that tells where they end."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from comparisons.padding import STEP, padded, rounded


def webp(seed: int, side: int = 24) -> bytes:
    picture = PillowImage.new("RGB", (side, side), (seed % 256, 40, 90))
    picture.paste((seed % 13, 200, seed % 251), (2, 3, 4 + seed % 16, 9))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def pixels(content: bytes) -> bytes:
    with PillowImage.open(io.BytesIO(content)) as picture:
        assert picture.format == "WEBP"
        return picture.tobytes()


@given(st.integers(0, 5000), st.integers(0, 5 * STEP))
def test_the_pixels_stay_and_the_length_is_the_studys(seed: int, length: int) -> None:
    content = webp(seed)
    made = padded(content, rounded(length))
    assert pixels(made) == pixels(content)
    assert len(made) == max(rounded(length), rounded(len(content)))
    assert int.from_bytes(made[4:8], "little") == len(made) - 8
    assert int.from_bytes(made[16:20], "little") == len(made) - 20


def test_the_same_picture_is_another_file_each_time() -> None:
    assert padded(webp(1), 3 * STEP) != padded(webp(1), 3 * STEP)


def test_what_has_other_chunks_is_refused() -> None:
    picture, buffer = PillowImage.new("RGB", (8, 8)), io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True, xmp=b"<x:xmpmeta>made by alpha</x:xmpmeta>")
    with pytest.raises(ValueError, match="only a lossless WebP file of a single chunk can be padded"):
        padded(buffer.getvalue(), STEP)
