"""Training pictures: rendered once, kept in one file, and drawn from by step number."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from toyzoo.domain.captions import say
from toyzoo.domain.drawing import Pixels, draw
from toyzoo.domain.scenes import SIDE, picture
from toyzoo.domain.wishes import draw_training_wish

DOMAIN = Path(__file__).parents[1] / "domain"
COUNT = 40_000
_PART = 500
_SEED = 1


@dataclass(frozen=True)
class Pictures:
    """`pixels`: bytes of shape (count, SIDE, SIDE, 3), read from the disk as they are used."""

    pixels: np.ndarray[Any, np.dtype[np.uint8]]
    captions: list[str]
    world: str  # changes with whatever may change a picture or its caption


def load_pictures(folder: Path, count: int = COUNT) -> Pictures:
    """The training pictures, rendered into the folder unless they are there."""
    world = _digest_of_the_world()
    pixels, captions = folder / f"pictures-{count}-{world}.npy", folder / f"captions-{count}-{world}.txt"
    if not captions.exists():
        _render(pixels, captions, count)
    return Pictures(np.load(pixels, mmap_mode="r"), captions.read_text(encoding="utf-8").splitlines(), world)


def _digest_of_the_world() -> str:
    """Of the files that say how it looks, what is said of it, and what is kept out of training."""
    files = [Path(__file__), *sorted(path for path in DOMAIN.iterdir() if path.is_file())]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]


def draws(seed: int, step: int) -> np.random.Generator:
    """The random numbers of a step, the same whether the run was interrupted before it or not."""
    return np.random.default_rng([seed, step])


def _render(pixels: Path, captions: Path, count: int) -> None:
    pixels.parent.mkdir(parents=True, exist_ok=True)
    file = np.lib.format.open_memmap(pixels, "w+", dtype=np.uint8, shape=(count, SIDE, SIDE, 3))
    said: list[str] = []
    parts = range(0, count, _PART)
    with ProcessPoolExecutor(2) as pool:
        for start, (part, texts) in zip(parts, pool.map(_render_part, parts), strict=True):
            file[start : start + _PART] = part[: count - start]
            said += texts
            tqdm.write(f"{len(said)} pictures rendered") if len(said) % 10_000 == 0 else None
    file.flush()
    unnamed = captions.with_suffix(".part")
    unnamed.write_text("\n".join(said[:count]) + "\n", encoding="utf-8")
    unnamed.replace(captions)  # the sign that all is there


def _render_part(start: int) -> tuple[Pixels, list[str]]:
    rng = random.Random(f"{_SEED}:{start}")
    wishes = [draw_training_wish(rng) for _ in range(_PART)]
    return np.stack([draw(picture(wish, rng)) for wish in wishes]), [say(wish) for wish in wishes]
