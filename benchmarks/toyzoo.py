"""Every toy system at every step count before the oracle: python -m benchmarks.toyzoo

Each makes one picture of each evaluation prompt through its ordinary backend, one at a time, all systems in turns. The
oracle says how far a picture shows what its prompt wishes and how cleanly it is drawn, both from 0 to 1. Intervals are
95% percentile intervals of the mean over bootstrapped prompts. All systems have the same prompts and seeds, so a second
table has the differences from one of them, prompt by prompt. Times are medians of whole calls on the threads given. As
yardsticks stand the renderer's own pictures: as they are, as the autoencoder gives them back, and of another prompt of
the same challenge.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.image_processor import VaeImageProcessor
from tqdm import tqdm

from generation import backends
from generation.catalogue import resolve
from generation.prompts import PromptLine, read_prompts
from generation.systems import SystemSpec
from toyzoo.domain.captions import parse
from toyzoo.domain.drawing import Pixels, draw
from toyzoo.domain.scenes import picture
from toyzoo.domain.wishes import EVALUATION_FILE
from toyzoo.oracle.score import QUESTIONS, as_pixels, scores
from toyzoo.train import WEIGHTS
from toyzoo.training.autoencoder import as_tensor
from toyzoo.training.latents import load_autoencoder

STUDY = Path(__file__).parents[1] / "studies" / "demo.toml"
STEPS = {
    "toy-sdxl": [1, 2, 4, 10, 25, 50],
    "toy-sdxl-turbo": [1, 2, 4],
    "toy-lcm-xl": [1, 2, 4],
    "toy-if-xl": [10, 50],
    "toy-openmuse": [4, 16],
    "toy-stylegan-t": [1],
}
AGAINST = "toy-sdxl@25"
SEED = 2023
DRAWS = 4000


@dataclass
class Scores:
    """What one system's pictures got, prompt by prompt."""

    by_question: dict[str, list[float]] = field(default_factory=lambda: {question: [] for question in QUESTIONS})
    milliseconds: list[float] = field(default_factory=list)

    def add(self, pixels: Pixels, prompt: PromptLine) -> None:
        for question, score in scores(pixels, parse(prompt.text)).items():
            self.by_question[question].append(score)


Found = Mapping[str, Scores]


def specs(names: Sequence[str]) -> Iterator[SystemSpec]:
    """Of the named systems, or of all, and of the one that others are compared with."""
    for table in tomllib.loads(STUDY.read_text(encoding="utf-8"))["systems"]:
        for spec in resolve(table | {"steps": STEPS[table["name"]]}):
            if not names or table["name"] in names or spec.slug == AGAINST:
                yield spec


def load(weights: Path, names: Sequence[str]) -> dict[str, backends.Backend]:
    """By slug, warm; of what is not there yet the reason is printed."""
    models = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "toyzoo").symlink_to(weights.resolve())
        for spec in specs(names):
            try:
                models[spec.slug] = backends.create(spec, Path(folder))
            except backends.PermanentBackendError as error:
                print(f"No pictures: {error}", flush=True)
    return models


def of_systems(models: Mapping[str, backends.Backend], prompts: Sequence[PromptLine]) -> Found:
    """Prompt by prompt, so that a machine whose speed drifts drifts for all systems."""
    found = {slug: Scores() for slug in models}
    for number, prompt in enumerate(tqdm(prompts, leave=False, disable=None)):
        for slug, model in models.items():
            (made,) = model.render([prompt.text], [SEED + number])
            found[slug].add(as_pixels(made.image), prompt)
            found[slug].milliseconds.append(made.timings.total_ms)
    return found


def of_the_renderer(prompts: Sequence[PromptLine], weights: Path) -> Found:
    autoencoder = load_autoencoder(weights / "toy-sdxl" / "vae")
    as_they_are, given_back, of_another = Scores(), Scores(), Scores()
    for number, prompt in enumerate(prompts):
        alike = [other for other in prompts if other.challenge == prompt.challenge]
        another = alike[(alike.index(prompt) + 1) % len(alike)]
        drawn, wrong = (draw(picture(parse(one.text), random.Random(SEED + number))) for one in (prompt, another))
        as_they_are.add(drawn, prompt)
        given_back.add(through(autoencoder, drawn), prompt)
        of_another.add(wrong, prompt)
    return {
        "the renderer": as_they_are,
        "the renderer, given back by the autoencoder": given_back,
        "the renderer, of another prompt": of_another,
    }


def through(autoencoder: Any, pixels: Pixels) -> Pixels:
    with torch.no_grad():
        made = autoencoder.decode(autoencoder.encode(as_tensor(pixels[None])).latent_dist.mean).sample
    (decoded,) = VaeImageProcessor().postprocess(made, "pil")
    return as_pixels(decoded)


def score_table(found: Found) -> Iterator[str]:
    yield f"| system | {' | '.join(QUESTIONS)} | ms |"
    yield "|---|---|---|---:|"
    for name, row in found.items():
        cells = [interval(row.by_question[question]) for question in QUESTIONS]
        time = f"{np.median(row.milliseconds):.0f}" if row.milliseconds else ""
        yield f"| {name} | {' | '.join(cells)} | {time} |"


def difference_table(found: Found) -> Iterator[str]:
    yield f"| less {AGAINST} | {' | '.join(QUESTIONS)} |"
    yield "|---|---|---|"
    for name in [name for name in found if name != AGAINST and AGAINST in found]:
        pairs = [(found[name].by_question[question], found[AGAINST].by_question[question]) for question in QUESTIONS]
        yield f"| {name} | {' | '.join(interval(np.subtract(*pair).tolist(), sign='+') for pair in pairs)} |"


def interval(values: Sequence[float], sign: str = "") -> str:
    """The mean, and the interval that resampled prompts give it."""
    each = np.asarray(values)
    chosen = np.random.default_rng(SEED).integers(len(each), size=(DRAWS, len(each)))
    low, high = np.quantile(each[chosen].mean(axis=1), [0.025, 0.975])
    return f"{each.mean():{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument(
        "--systems", nargs="*", default=[], metavar="NAME", help="only these, and what they are told from"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, metavar="FOLDER", help=f"default: {WEIGHTS}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    prompts = read_prompts(EVALUATION_FILE)[: options.prompts]
    found = of_systems(load(options.weights, options.systems), prompts)
    print("\n".join(score_table({**of_the_renderer(prompts, options.weights), **found})))
    print()
    print("\n".join(difference_table(found)))


if __name__ == "__main__":
    main()
