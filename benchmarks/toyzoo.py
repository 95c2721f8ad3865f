"""Every toy system at every step count before the oracle: python -m benchmarks.toyzoo

Each makes one picture of each of the first evaluation prompts, through its ordinary backend, one at a time. The oracle
says how far a picture shows what its prompt wishes and how cleanly it is drawn, both from 0 to 1. Intervals are 95%
percentile intervals of the mean over bootstrapped prompts. Times are medians of whole calls on the threads given. As
yardsticks stand the renderer's own pictures of the same prompts, and of the prompts of others.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from generation import backends
from generation.catalogue import resolve
from generation.prompts import read_prompts
from generation.systems import SystemSpec
from toyzoo.domain.captions import parse
from toyzoo.domain.drawing import draw
from toyzoo.domain.scenes import picture
from toyzoo.domain.wishes import EVALUATION_FILE
from toyzoo.oracle.score import QUESTIONS, as_pixels, scores
from toyzoo.train import WEIGHTS

STUDY = Path(__file__).parents[1] / "studies" / "toyzoo.toml"
STEPS = {
    "toy-sdxl": [1, 2, 4, 10, 25, 50],
    "toy-sdxl-turbo": [1, 2, 4],
    "toy-lcm-xl": [1, 2, 4],
    "toy-if-xl": [10, 50],
    "toy-openmuse": [4, 16],
    "toy-stylegan-t": [1],
}
SEED = 2023
DRAWS = 4000


def specs() -> Iterator[SystemSpec]:
    for table in tomllib.loads(STUDY.read_text(encoding="utf-8"))["systems"]:
        yield from resolve(table | {"steps": STEPS[table["name"]]})


def judge(spec: SystemSpec, data_dir: Path, prompts: list[str]) -> tuple[dict[str, list[float]], float]:
    """The scores by question, and the median of the calls' milliseconds."""
    model = backends.create(spec, data_dir)
    found: dict[str, list[float]] = {question: [] for question in QUESTIONS}
    times = []
    for number, prompt in enumerate(tqdm(prompts, spec.slug, leave=False, disable=None)):
        (made,) = model.render([prompt], [SEED + number])
        times.append(made.timings.total_ms)
        for question, score in scores(as_pixels(made.image), parse(prompt)).items():
            found[question].append(score)
    return found, float(np.median(times))


def drawn(prompts: list[str], shown: list[str]) -> dict[str, list[float]]:
    """The scores of the renderer's pictures of what is shown, as pictures of the prompts."""
    found: dict[str, list[float]] = {question: [] for question in QUESTIONS}
    for number, (prompt, other) in enumerate(zip(prompts, shown, strict=True)):
        pixels = draw(picture(parse(other), random.Random(SEED + number)))
        for question, score in scores(pixels, parse(prompt)).items():
            found[question].append(score)
    return found


def line(name: str, found: dict[str, list[float]], milliseconds: str) -> str:
    cells = [interval(np.array(found[question])) for question in QUESTIONS]
    return f"| {name} | {' | '.join(cells)} | {milliseconds} |"


def interval(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    chosen = np.random.default_rng(SEED).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.quantile(values[chosen].mean(axis=1), [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, metavar="FOLDER", help=f"default: {WEIGHTS}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    prompts = [prompt.text for prompt in read_prompts(EVALUATION_FILE)][: options.prompts]
    print(f"| system | {' | '.join(QUESTIONS)} | ms |\n|---|---|---|---:|")
    print(line("the renderer", drawn(prompts, prompts), ""))
    print(line("the renderer, of another prompt", drawn(prompts, [*prompts[1:], prompts[0]]), ""), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "toyzoo").symlink_to(options.weights.resolve())
        for spec in specs():
            try:
                found, milliseconds = judge(spec, Path(folder), prompts)
            except backends.PermanentBackendError as error:
                print(f"| {spec.slug} | no pictures: {error} | | |", flush=True)
            else:
                print(line(spec.slug, found, f"{milliseconds:.0f}"), flush=True)


if __name__ == "__main__":
    main()
