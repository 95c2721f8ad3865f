"""A backend without a model: the seed is the colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from PIL import Image

from generation.backends import RenderedImage
from generation.systems import SystemSpec
from generation.timing import StageTimings


def paint(seed: int) -> RenderedImage:
    timings = StageTimings(encode_ms=1.0, forward_ms=(2.0, 3.0), denoise_ms=5.0, decode_ms=4.0, total_ms=10.0)
    return RenderedImage(Image.new("RGB", (64, 64), (seed % 256, 10, 200)), timings, {"device": "easel"})


def do_nothing(seeds: Sequence[int]) -> None:
    pass


def nothing_more() -> None:
    pass


class Painter:
    loaded: ClassVar[list[str]] = []  # slugs, in the order of loading
    calls: ClassVar[list[tuple[list[str], list[int]]]] = []  # prompts and seeds of each call
    while_loading: ClassVar[Callable[[], None]] = nothing_more
    before: ClassVar[Callable[[Sequence[int]], None]] = do_nothing  # called with the seeds before they are painted
    largest_batch: ClassVar[int | None] = None
    most_bytes: int | None = None
    size_bytes = 100
    on_device = False

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        self.loaded.append(spec.slug)
        type(self).while_loading()

    def prepare(self, spec: SystemSpec) -> None:
        pass

    def to_host(self) -> None:
        pass

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        self.calls.append((list(prompts), list(seeds)))
        type(self).before(seeds)
        return [paint(seed) for seed in seeds]
