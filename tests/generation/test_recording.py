"""What every image records besides its stages, alike for all backends."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from generation import backends
from generation.backends import Backend, provenance
from generation.catalogue import resolve
from generation.systems import SystemSpec

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:The `local_dir_use_symlinks`:UserWarning:huggingface_hub"),
]
SYSTEMS: dict[str, dict[str, Any]] = {
    "lcm": {"catalogue": "lcm-xl", "model": "./sdxl", "vae": "./sdxl/vae", "unet": "./lcm-unet"},
    "muse": {"catalogue": "openmuse", "model": "./muse"},
    "gan": {"catalogue": "stylegan-t-pp", "model": "./gan", "steps": 1},
    "cascade": {
        "catalogue": "if-xl", "model": "./cascade/stage-1", "width": 32, "height": 32,
        "arguments": {"stage_2_model": "./cascade/stage-2", "stage_2_steps": 2},
    },
}  # fmt: skip
CHECKPOINTS = {
    "lcm": {"model": "./sdxl", "unet": "./lcm-unet", "vae": "./sdxl/vae"},
    "muse": {"model": "./muse"},
    "gan": {"model": "./gan"},
    "cascade": {"model": "./cascade/stage-1", "stage_2_model": "./cascade/stage-2"},
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.checkpoints import write_lcm_unet, write_sdxl
    from toyzoo.untrained.deepfloyd import write_cascade
    from toyzoo.untrained.muse import write_muse
    from toyzoo.untrained.stylegan_t import write_stylegan_t

    folder = tmp_path_factory.mktemp("data")
    write_sdxl(folder / "sdxl", seed=1, size=64)
    write_lcm_unet(folder / "lcm-unet", seed=3, size=64)
    write_muse(folder / "muse", seed=1, size=64)
    write_cascade(folder / "cascade", seed=1)
    write_stylegan_t(folder / "gan", seed=1)
    return folder


def spec_of(system: str) -> SystemSpec:
    small = {"steps": 2, "dtype": "float32", "width": 64, "height": 64}
    (spec,) = resolve(small | SYSTEMS[system])
    return spec


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def backend(system: str, data_dir: Path) -> Backend:
    return backends.create(spec_of(system), data_dir)


def test_checkpoints_are_recorded(backend: Backend, system: str, data_dir: Path) -> None:
    (rendered,) = backend.render(["a cat"], [7])
    assert {key: found.location for key, found in rendered.checkpoints.items()} == CHECKPOINTS[system]
    for key, location in CHECKPOINTS[system].items():
        expected = provenance.of_folder(location, data_dir / location, spec_of(system).variant)
        assert any(name.endswith(".safetensors") for name in expected.files)
        assert (rendered.environment["checkpoints"][key], rendered.checkpoints[key]) == (expected.digest, expected)


@pytest.mark.filterwarnings("ignore:`callback_steps` is deprecated:FutureWarning:diffusers")
@pytest.mark.parametrize(("entry", "size", "variant"), [("kandinsky-2.2", 64, None), ("stable-cascade", 128, "bf16")])
def test_a_prior_that_the_models_card_names_is_recorded(
    tmp_path: Path, entry: str, size: int, variant: str | None
) -> None:
    from toyzoo.untrained.families import WRITERS

    WRITERS[entry](tmp_path / entry)
    (spec,) = resolve({"catalogue": entry, "model": f"./{entry}", "steps": 2, "width": size, "height": size})
    (rendered,) = backends.create(spec, tmp_path).render(["a cat"], [7])
    folder = tmp_path / f"{entry}-prior"
    expected = provenance.of_folder(str(folder), folder, variant)
    assert any(name.startswith("prior/") and name.endswith(".safetensors") for name in expected.files)
    assert rendered.checkpoints["prior"] == expected
    assert set(rendered.checkpoints) == {"model", "prior"} == set(rendered.environment["checkpoints"])


def test_cost_is_recorded(backend: Backend) -> None:
    started = time.perf_counter()
    (rendered,) = backend.render(["a cat"], [7])
    elapsed = (time.perf_counter() - started) * 1000
    environment = rendered.environment
    assert rendered.timings.total_ms <= environment["wall_ms"] <= elapsed
    assert (environment["cuda"] is None) == (environment["peak_device_bytes"] is None)
    peak = environment["peak_host_bytes"]
    assert peak is None or (sys.platform == "linux" and peak > 50 * 2**20)


def test_a_package_that_is_not_installed_is_recorded_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """peft is needed for LoRAs alone: without it, the images of all other systems are still made."""
    from generation.backends import recording

    monkeypatch.setattr(recording, "_PACKAGES", ("numpy", "no-such-package"))
    versions = recording._versions.__wrapped__()
    assert versions["no-such-package"] is None
    assert versions["numpy"] and versions["torch"]


def test_pixels_are_the_same_without_the_clock(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    from generation.timing import StageClock

    (timed,) = backend.render(["a cat"], [7])
    watched: list[str] = []
    monkeypatch.setattr(StageClock, "_watch", lambda clock, module, stage: watched.append(stage))
    monkeypatch.setattr(StageClock, "timings", timed.timings)
    (untimed,) = backend.render(["a cat"], [7])
    assert set(watched) >= {"encode", "forward"}
    assert untimed.image.tobytes() == timed.image.tobytes()


def test_warming_up_is_in_no_timing(system: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from generation.backends.resident import ResidentModel

    spec, real = spec_of(system), ResidentModel.prepare

    def slow(model: Any, spec: SystemSpec) -> None:
        warm_up = model._warm_up

        def slowly() -> None:
            time.sleep(2)
            warm_up()

        monkeypatch.setattr(model, "_warm_up", slowly)
        real(model, spec)

    monkeypatch.setattr(ResidentModel, "prepare", slow)
    started = time.perf_counter()
    backend = backends.create(spec, data_dir)
    assert time.perf_counter() - started > 2
    (rendered,) = backend.render(["a cat"], [7])
    arguments = dict(spec.arguments)
    assert len(rendered.timings.forward_ms) == spec.steps + int(arguments.get("stage_2_steps", 0))
    assert rendered.environment["wall_ms"] < 2000
