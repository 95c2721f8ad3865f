"""docs/systems.md: its table says what the catalogue says, and its examples load."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generation import backends
from generation.catalogue import catalogue, resolve
from generation.systems import SystemSpec
from tests.generation.tiny_systems import DEPENDS_ON_THE_BATCH, NEEDS_TORCHVISION

PAGE = (Path(__file__).parents[2] / "docs" / "systems.md").read_text(encoding="utf-8")


def test_table_says_what_the_catalogue_says() -> None:
    table = [line for line in PAGE.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert [row[:6] for row in rows] == [row_of(name, entry) for name, entry in catalogue().items()]
    untested = {row[0].strip("`"): row[7] for row in rows if row[7] != "yes"}
    assert untested == dict.fromkeys(NEEDS_TORCHVISION, "no: needs torchvision")


def row_of(name: str, entry: Mapping[str, Any]) -> list[str]:
    fixed, arguments = entry.get("fixed", ()), entry.get("arguments", {})
    models = [f"`{entry[key]}`" for key in ("model", "unet", "lora") if key in entry]
    steps = f"{entry['steps']}" + (" only" if "steps" in fixed else "")
    if "steps_allowed" in entry:
        steps += f" ({', '.join(map(str, entry['steps_allowed']))})"
    scales = [name for name in arguments if name.endswith(("guidance_scale", "cfg_scale"))]
    guidance = ", ".join(f"{arguments[name]} (`{name}`)" for name in scales if not name.startswith("stage_")) or "-"
    if "guidance_scale" in entry:
        guidance = f"{entry['guidance_scale']}" + (" only" if "guidance_scale" in fixed else "")
    assert entry["width"] == entry["height"]
    return [f"`{name}`", " + ".join(models), steps, guidance, str(entry["width"]), entry["dtype"]]


def test_it_names_the_families_whose_pictures_depend_on_the_batch() -> None:
    for entry in DEPENDS_ON_THE_BATCH:
        assert f"A picture of `{entry}` depends on the lengths of the other prompts in its batch" in PAGE


def examples() -> list[SystemSpec]:
    section = PAGE.partition("## Adding a model")[2].partition("\n## ")[0]
    code = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    return [spec for table in tomllib.loads(code)["systems"] for spec in resolve(table)]


def test_examples_are_systems() -> None:
    assert [spec.slug for spec in examples()] == ["our-turbo@1", "our-turbo@4", "ours@25"]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
@pytest.mark.filterwarnings("ignore:`upcast_vae`:FutureWarning:diffusers")
@pytest.mark.parametrize("spec", examples(), ids=lambda spec: spec.slug)
def test_examples_load(tmp_path: Path, spec: SystemSpec) -> None:
    from toyzoo.untrained.families import WRITERS
    from toyzoo.untrained.lora import write_lora

    family = "sdxl-turbo" if spec.name == "our-turbo" else "sd-turbo"
    WRITERS[family](tmp_path / spec.model)
    if spec.lora is not None:
        write_lora(tmp_path / spec.lora, tmp_path / spec.model / "unet", seed=1)
    backends.create(spec, tmp_path)  # it makes a first picture, and refuses a model that makes another size
