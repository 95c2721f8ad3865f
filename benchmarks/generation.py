"""How much of a bare diffusers loop's speed is left when a worker makes the images, and what a second worker adds.

`python -m benchmarks.generation` starts both sides on toy-sdxl: a loop that only calls the pipeline, and a study's
worker, with broker, database and stored files. Then they have the machine in turns, a few seconds each, while the other
side is stopped, so that a machine whose speed drifts drifts for both. In the same way one worker then takes turns with
two, whose systems have a model each. Everything happens in a temporary folder, on one thread a process. It ends with
status 1 where a ratio is below what is wanted.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import Site, wait_for
from toyzoo.domain.captions import say
from toyzoo.domain.scenes import SIDE
from toyzoo.domain.wishes import draw_training_wish

CHECKPOINT = Path(__file__).parents[1] / "toyzoo" / "weights" / "toy-sdxl"
STEPS, PROMPTS = 20, 2000
SYSTEMS = ("first", "second")
WANTED_OF_A_WORKER, WANTED_OF_TWO = 0.95, 1.7
STUDY = f"""
slug = "speed"
prompt_set = "speed"
seed = 0

[rating]
votes_wanted = 1

[display]
size = {SIDE}

[[questions]]
key = "quality"
wording = "Which picture is better?"
"""
SYSTEM = f"""
[[systems]]
name = "{{name}}"
backend = "diffusers"
pipeline = "StableDiffusionXLPipeline"
model = "./checkpoints/{{name}}"
scheduler = {{{{ class = "EulerDiscreteScheduler" }}}}
steps = {STEPS}
guidance_scale = 4.0
width = {SIDE}
height = {SIDE}
dtype = "float32"
"""
BARE = f"""
import sys
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
folder, batch, prompts = sys.argv[1], int(sys.argv[2]), open(sys.argv[3]).read().splitlines()
pipeline = StableDiffusionXLPipeline.from_pretrained(
    folder, dtype=torch.float32, use_safetensors=True, add_watermarker=False
)
pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
pipeline.set_progress_bar_config(disable=True)
for start in range(0, len(prompts), batch):
    numbers = range(start, start + batch)
    pipeline(
        prompt=prompts[start : start + batch],
        generator=[torch.Generator("cpu").manual_seed(number) for number in numbers],
        num_inference_steps={STEPS}, guidance_scale=4.0, width={SIDE}, height={SIDE},
    )
    print(*numbers, flush=True)
"""


@dataclass(frozen=True)
class Side:
    """Processes that have the machine together, and how many images they have made so far."""

    processes: Sequence[subprocess.Popen[bytes]]
    made: Callable[[], int]

    def send(self, number: signal.Signals) -> None:
        for process in self.processes:
            os.killpg(process.pid, number)

    @contextmanager
    def turn(self) -> Iterator[None]:
        self.send(signal.SIGCONT)
        yield
        self.send(signal.SIGSTOP)


def captions() -> list[str]:
    rng, said = random.Random(0), dict[str, None]()
    while len(said) < PROMPTS:
        said[say(draw_training_wish(rng))] = None
    return list(said)


def make_site(folder: Path, batch: int) -> Site:
    site = Site(folder, {"GENERATION_BATCH_SIZE": str(batch)})
    for name in SYSTEMS:
        shutil.copytree(CHECKPOINT, folder / "checkpoints" / name)
    (folder / "prompts.txt").write_text("\n".join(captions()))
    (folder / "study.toml").write_text(STUDY + "".join(SYSTEM.format(name=name) for name in SYSTEMS))
    site.manage("migrate", "--no-input")
    site.manage("import_prompts", folder / "prompts.txt", "--set", "speed")
    site.manage("create_study", folder / "study.toml")
    site.manage("open_study", "speed")
    return site


@contextmanager
def bare_loop(site: Site, batch: int) -> Iterator[Side]:
    checkpoint, prompts = site.folder / "checkpoints" / SYSTEMS[0], site.folder / "prompts.txt"
    command = [sys.executable, "-c", BARE, str(checkpoint), str(batch), str(prompts)]
    with site.process("bare", command) as process:
        yield Side([process], lambda: sum(word.isdecimal() for word in site.log("bare").split()))


def made_by_workers(site: Site) -> int:
    ((count,),) = site.rows("SELECT count(*) FROM generation_image")
    return int(count)


def speeds(sides: Sequence[Side], turns: int, seconds: float) -> list[float]:
    """Images a second of each side, in its own turns. All are stopped before and after."""
    images, spent = [0] * len(sides), [0.0] * len(sides)
    for turn in range(turns):
        for number in sorted(range(len(sides)), reverse=turn % 2 == 1):
            before, start = sides[number].made(), time.monotonic()
            with sides[number].turn():
                time.sleep(seconds)
            spent[number] += time.monotonic() - start
            images[number] += sides[number].made() - before
    return [count / duration for count, duration in zip(images, spent, strict=True)]


def warm(side: Side, batch: int) -> None:
    """Until it has made two batches, alone; then it is stopped."""
    wanted = side.made() + 2 * batch
    with side.turn():
        wait_for(lambda: side.made() >= wanted, "the first images", seconds=600)


def against_a_bare_loop(options: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        site = make_site(Path(folder), options.batch)
        running.enter_context(site.broker())
        site.manage("generate", "speed", "--system", f"{SYSTEMS[0]}@{STEPS}")
        worker = Side([running.enter_context(site.worker())], lambda: made_by_workers(site))
        warm(worker, options.batch)
        bare = running.enter_context(bare_loop(site, options.batch))
        warm(bare, options.batch)
        loop, ours = speeds([bare, worker], options.turns, options.seconds)
        worker.send(signal.SIGCONT)
        bare.send(signal.SIGCONT)
    ratio = ours / loop
    print(
        f"bare loop {loop:.2f} images/s, worker {ours:.2f}: ratio {ratio:.3f}, wanted {WANTED_OF_A_WORKER}", flush=True
    )
    return ratio


def one_against_two_workers(options: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        site = make_site(Path(folder), options.batch)
        running.enter_context(site.broker())
        site.manage("generate", "speed")
        workers = []
        for number in range(2):
            workers.append(running.enter_context(site.worker(f"worker-{number}")))
            warm(Side(workers[-1:], lambda: made_by_workers(site)), options.batch)
        sides = [Side(workers[:count], lambda: made_by_workers(site)) for count in (1, 2)]
        one, two = speeds(sides, options.turns, options.seconds)
        sides[1].send(signal.SIGCONT)
    ratio, cores = two / one, os.cpu_count()
    print(f"one worker {one:.2f} images/s, two {two:.2f} on {cores} cores: ratio {ratio:.3f}, wanted {WANTED_OF_TWO}")
    return ratio


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--turns", type=int, default=12, help="of each side (default: 12)")
    parser.add_argument("--seconds", type=float, default=8.0, help="that a turn takes (default: 8)")
    options = parser.parse_args()
    alone, together = against_a_bare_loop(options), one_against_two_workers(options)
    return 0 if alone >= WANTED_OF_A_WORKER and together >= WANTED_OF_TWO else 1


if __name__ == "__main__":
    sys.exit(main())
