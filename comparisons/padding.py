"""Pictures of one length: a file's size says a lot about its content, and would be the same for every rater.

A lossless WebP file is one chunk, whose decoder stops when it has all pixels. So the chunk is made longer by random
bytes, and its length and the file's are stated as if all of it were the picture.
"""

from __future__ import annotations

import os

STEP = 4096
_HEADER = 20  # RIFF, length, WEBP, VP8L, length


def padded(webp: bytes, length: int) -> bytes:
    """The same pixels in a file of `length` bytes, or of the next larger multiple of STEP where that is too short."""
    if webp[:4] + webp[8:16] != b"RIFFWEBPVP8L":
        raise ValueError("only a lossless WebP file of a single chunk can be padded")
    stated = int.from_bytes(webp[16:20], "little")
    content = webp[_HEADER : _HEADER + stated]
    length = max(length, rounded(len(webp)))
    filler = os.urandom(length)[: length - _HEADER - len(content)]  # as much work for a small picture as for a large
    sizes = [size.to_bytes(4, "little") for size in (length - 8, length - _HEADER)]
    return b"".join([b"RIFF", sizes[0], b"WEBPVP8L", sizes[1], content, filler])


def rounded(length: int) -> int:
    return -(-length // STEP) * STEP
