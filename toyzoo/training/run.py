"""The loop that all methods share: progress, a state that survives interruption, a sample sheet, the result."""

from __future__ import annotations

import copy
import hashlib
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image as PillowImage
from torch import nn
from tqdm import tqdm

_SAVE_EVERY_S = 120.0
_WARM_UP = 200


class Training(ABC):
    """One method applied to one system. Step `n` draws all that is random from `n`, so a run can be resumed."""

    steps: int
    learning_rate: float

    @abstractmethod
    def parts(self) -> Mapping[str, Any]:
        """Everything with a state_dict that changes in training: modules, averages, optimizers."""

    @abstractmethod
    def step(self, n: int) -> Mapping[str, float]:
        """Train once; return the losses for the progress bar."""

    @abstractmethod
    def sample(self) -> PillowImage.Image:
        """A sheet of pictures as the system makes them now."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write the system as it is now, in the hub's layout."""

    def set_rate(self, optimizer: torch.optim.Optimizer, n: int) -> None:
        """Linear warm-up, then half a cosine down to a fiftieth."""
        warm = min(1.0, (n + 1) / _WARM_UP)
        rate = self.learning_rate * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * n / self.steps)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = rate


class Average(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """An exponential moving average of a module's weights, which makes better pictures than the last ones."""

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).eval().requires_grad_(requires_grad=False)
        self._decay = decay

    def follow(self, module: nn.Module, n: int) -> None:
        decay = min(self._decay, (1 + n) / (10 + n))
        for mean, weight in zip(self.module.parameters(), module.parameters(), strict=True):
            mean.data.lerp_(weight.data, 1 - decay)


def run(training: Training, folder: Path, name: str) -> None:
    """Train to the end; called again after an interruption, go on from the last state in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / f"{name}.state.pt"
    begun = _digest(training)
    start = _restore(training, state, begun)
    saved = time.monotonic()
    losses: dict[str, float] = {}
    with tqdm(total=training.steps, initial=start, desc=name, unit="step", mininterval=5.0) as bar:
        for n in range(start, training.steps):
            for key, value in training.step(n).items():
                losses[key] = 0.98 * losses.get(key, value) + 0.02 * value
                if not math.isfinite(value):
                    raise ArithmeticError(f"{name}: {key} is {value} at step {n}; {_kept(state)}.")
            bar.set_postfix({key: f"{value:.4f}" for key, value in losses.items()}, refresh=False)
            bar.update()
            if time.monotonic() - saved > _SAVE_EVERY_S:
                _save(training, state, n + 1, begun)
                training.sample().save(folder / f"{name}.png")
                saved = time.monotonic()
    _save(training, state, training.steps, begun)
    training.sample().save(folder / f"{name}.png")


def _kept(state: Path) -> str:
    return f"{state} has an earlier state" if state.exists() else "no earlier state was saved"


def _digest(training: Training) -> str:
    """Of what a run begins with: its length and rate, and all weights, among them those that it takes from others."""
    found = hashlib.sha256(f"{training.steps} {training.learning_rate}".encode())
    modules = [part for part in training.parts().values() if isinstance(part, nn.Module)]
    for module in modules:
        for key, weight in module.state_dict().items():
            found.update(key.encode() + weight.contiguous().numpy().tobytes())
    return found.hexdigest()


def _restore(training: Training, state: Path, begun: str) -> int:
    if not state.exists():
        return 0
    content = torch.load(state, weights_only=True)
    if content["begun"] != begun:
        raise SystemExit(f"{state} is of another run, begun with other weights or settings: remove it to begin anew.")
    for key, part in training.parts().items():
        part.load_state_dict(content["parts"][key])
    return int(content["step"])


def _save(training: Training, state: Path, step: int, begun: str) -> None:
    part = state.with_suffix(".part")
    parts = {key: part.state_dict() for key, part in training.parts().items()}
    torch.save({"step": step, "begun": begun, "parts": parts}, part)
    part.replace(state)


def sheet(pixels: torch.Tensor, columns: int) -> PillowImage.Image:
    """Pictures of shape (n, 3, height, width) from -1 to 1, side by side in rows."""
    rows = [torch.cat(list(row), dim=2) for row in pixels.clamp(-1, 1).split(columns)]
    bytes_ = ((torch.cat(rows, dim=1) + 1) * 127.5).round().byte().permute(1, 2, 0)
    return PillowImage.fromarray(bytes_.numpy())


def clip_gradients(parameters: Iterable[torch.Tensor], most: float = 1.0) -> None:
    torch.nn.utils.clip_grad_norm_(list(parameters), most)
