"""The facts of a picture's file that are not its pixels: format, size, mode, chunks, metadata."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from PIL import Image as PillowImage

from analysis.blindness.records import Value

_ANIMATION = {"background", "duration", "loop", "timestamp"}  # Pillow tells these of every WebP file


def facts_of(content: bytes) -> dict[str, Value]:
    facts: dict[str, Value] = {"format": "unreadable", "metadata": ""}
    try:
        with PillowImage.open(io.BytesIO(content)) as picture:
            facts |= {"format": str(picture.format), "mode": picture.mode, "width": picture.width}
            facts |= {"height": picture.height}
            facts["metadata"] = ", ".join(sorted(str(name) for name in set(picture.info) - _ANIMATION))
    except OSError:
        return facts
    return facts | _riff_facts(content) if content.startswith(b"RIFF") else facts


def _riff_facts(content: bytes) -> dict[str, Value]:
    chunks = list(_riff_chunks(content))
    facts: dict[str, Value] = {
        "chunks": " ".join(name for name, _ in chunks),
        "stated length": int.from_bytes(content[4:8], "little"),
        "bytes after the end": len(content) - 8 - int.from_bytes(content[4:8], "little"),
    }
    facts |= {f"length of chunk {number}": len(inside) for number, (_, inside) in enumerate(chunks, start=1)}
    for name, inside in chunks:
        if name == "VP8L":  # a signature, then 14 bits of width, 14 of height, one of alpha, three of version
            facts["flags of VP8L"] = f"{inside[0]:02x} {int.from_bytes(inside[1:5], 'little') >> 28:04b}"
    return facts


def _riff_chunks(content: bytes) -> Iterator[tuple[str, bytes]]:
    offset = 12
    while offset + 8 <= len(content):
        size = int.from_bytes(content[offset + 4 : offset + 8], "little")
        yield content[offset : offset + 4].decode("latin-1"), content[offset + 8 : offset + 8 + size]
        offset += 8 + size + size % 2


def readable(content: bytes) -> str:
    """The runs of at least six characters that can be read in it: in random bytes anything shorter occurs by chance."""
    return "\n".join(run.decode() for run in re.findall(rb"[\x20-\x7e]{6,}", content))
