"""What is published of the toy systems: small, in half precision, and each with a card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

WEIGHTS = Path(__file__).parents[2] / "toyzoo" / "weights"
SYSTEMS = sorted(path for path in WEIGHTS.iterdir() if path.is_dir())
MOST_BYTES = 40 * 10**6


def test_all_of_them_are_small() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) <= MOST_BYTES


@pytest.mark.parametrize("folder", SYSTEMS, ids=lambda folder: str(folder.name))
def test_weights_are_in_half_precision_and_numbers(folder: Path) -> None:
    files = list(folder.rglob("*.safetensors"))
    assert files
    for file in files:
        with safe_open(file, framework="numpy") as weights:
            for key in weights.keys():  # noqa: SIM118  no dictionary
                weight = weights.get_tensor(key)
                assert weight.dtype == np.float16, f"{file}: {key}"
                assert np.isfinite(weight).all(), f"{file}: {key}"


@pytest.mark.parametrize("folder", SYSTEMS, ids=lambda folder: str(folder.name))
def test_each_has_a_card(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {folder.name}\n")
    for heading in ("Data", "Recipe", "Scores", "Limits"):
        assert f"**{heading}" in card
    assert f"python -m toyzoo.train {folder.name}" in card
