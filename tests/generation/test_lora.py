from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageChops
from PIL.Image import Image

from generation import backends
from generation.backends import PermanentBackendError
from generation.catalogue import resolve
from generation.systems import SystemSpec

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

SMALL = {
    "catalogue": "lcm-lora-xl",
    "model": "./sdxl",
    "vae": "./sdxl/vae",
    "lora": "./lora",
    "steps": 2,
    "width": 64,
    "height": 64,
    "dtype": "float32",
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.checkpoints import write_sdxl
    from toyzoo.untrained.families import WRITERS
    from toyzoo.untrained.lora import write_lora

    folder = tmp_path_factory.mktemp("data")
    write_sdxl(folder / "sdxl", seed=1, size=64)
    write_lora(folder / "lora" / "pytorch_lora_weights.safetensors", folder / "sdxl" / "unet", seed=5)
    write_lora(folder / "loras" / "2step.safetensors", folder / "sdxl" / "unet", seed=6)
    WRITERS["pixart-sigma"](folder / "pixart")
    return folder


def spec_of(**overrides: Any) -> SystemSpec:
    (spec,) = resolve(SMALL | overrides)
    return spec


def draw(data_dir: Path, **overrides: Any) -> Image:
    (rendered,) = backends.create(spec_of(**overrides), data_dir).render(["a red cube"], [7])
    return rendered.image


def load_error(data_dir: Path, **overrides: Any) -> str:
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(spec_of(**overrides), data_dir)
    return str(caught.value)


def test_each_lora_makes_its_own_picture(data_dir: Path) -> None:
    pictures = [draw(data_dir, lora=lora) for lora in (None, "./lora", "./loras/{steps}step.safetensors")]
    assert len({picture.tobytes() for picture in pictures}) == 3


def test_it_is_the_picture_that_diffusers_makes_without_fusing(data_dir: Path) -> None:
    import torch
    from diffusers import LCMScheduler, StableDiffusionXLPipeline

    bare = StableDiffusionXLPipeline.from_pretrained(
        str(data_dir / "sdxl"), variant="fp16", dtype=torch.float32, add_watermarker=False
    )
    bare.set_progress_bar_config(disable=True)
    bare.load_lora_weights(str(data_dir / "lora"), weight_name="pytorch_lora_weights.safetensors")
    bare.scheduler = LCMScheduler.from_config(bare.scheduler.config)
    picture = bare(
        "a red cube",
        num_inference_steps=2,
        guidance_scale=1.0,
        width=64,
        height=64,
        generator=torch.Generator("cpu").manual_seed(7),
    ).images[0]
    assert max(ImageChops.difference(draw(data_dir), picture).tobytes()) <= 1


def test_a_file_is_the_same_as_its_folder(data_dir: Path) -> None:
    file = str(data_dir / "lora" / "pytorch_lora_weights.safetensors")
    assert draw(data_dir, lora=file) == draw(data_dir, lora="./lora")


def test_the_model_is_left_without_adapters(data_dir: Path) -> None:
    from generation.backends.diffusers import DiffusersBackend

    backend = DiffusersBackend()
    backend.load(spec_of(), data_dir)
    names = [type(module).__module__ for module in backend._pipeline.unet.modules()]
    assert not [name for name in names if name.startswith("peft")]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"lora": "./none"},
            "lora is './none', but there is no file {data}/none; put the LoRA there or correct the path.",
        ),
        (
            {"lora": "./sdxl"},
            "lora is './sdxl', but there is no file {data}/sdxl/pytorch_lora_weights.safetensors; "
            "put the LoRA there or correct the path.",
        ),
        (
            {"lora": "./sdxl/model_index.json"},
            "lora is './sdxl/model_index.json', but {data}/sdxl/model_index.json is no .safetensors file; "
            "pickled weights are not loaded.",
        ),
        (
            {"lora": "latent-consistency/lcm-lora-sdxl"},
            "lora is 'latent-consistency/lcm-lora-sdxl', but latent-consistency/lcm-lora-sdxl is not in the local "
            "cache, and the hub cannot be reached; check the name and the network.",
        ),
        (
            {"lora": "./sdxl/vae/diffusion_pytorch_model.safetensors"},
            "lora is './sdxl/vae/diffusion_pytorch_model.safetensors', but {data}/sdxl/vae cannot be loaded: "
            "Invalid LoRA checkpoint.",
        ),
        (
            {
                "pipeline": "PixArtSigmaPipeline",
                "model": "./pixart",
                "variant": None,
                "scheduler": {},
            },
            "lora is './lora', but PixArtSigmaPipeline takes no LoRA; leave it out.",
        ),
    ],
)
def test_bad_lora(data_dir: Path, overrides: dict[str, Any], message: str) -> None:
    assert load_error(data_dir, **overrides) == f"lcm-lora-xl@2: {message.format(data=data_dir)}"


def test_a_lora_of_another_size(data_dir: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(data_dir / "lora" / "pytorch_lora_weights.safetensors")
    wide = {key: weight.repeat(1, 2) if "lora_down" in key else weight for key, weight in weights.items()}
    save_file(wide, tmp_path / "wide.safetensors", metadata={"format": "pt"})
    message = load_error(data_dir, lora=str(tmp_path / "wide.safetensors"))
    assert message.startswith(
        f"lcm-lora-xl@2: lora is '{tmp_path}/wide.safetensors', but {tmp_path} cannot be loaded: "
    )
    assert "\n" not in message


def test_a_lora_of_another_family_is_not_silently_left_out(data_dir: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    name = "transformer.blocks.0.attn.to_q"
    weights = {f"{name}.lora_A.weight": torch.zeros(4, 32), f"{name}.lora_B.weight": torch.zeros(32, 4)}
    save_file(weights, tmp_path / "other.safetensors", metadata={"format": "pt"})
    assert load_error(data_dir, lora=str(tmp_path / "other.safetensors")) == (
        f"lcm-lora-xl@2: lora is '{tmp_path}/other.safetensors', but {tmp_path} cannot be loaded: "
        "none of its weights belongs to a part of the model."
    )


def test_missing_peft(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    assert load_error(data_dir) == (
        "lcm-lora-xl@2: lora is './lora', but the package peft, which loads it, is not installed; "
        "install requirements.txt."
    )


@pytest.mark.parametrize(("entry", "key"), [("openmuse", "lora"), ("if-xl", "lora")])
def test_backends_that_take_no_lora(data_dir: Path, entry: str, key: str) -> None:
    (spec,) = resolve({"catalogue": entry, "lora": "./lora"})
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(spec, data_dir)
    assert str(caught.value) == (
        f"{spec.slug}: lora is './lora', but backend {spec.backend!r} has no use for it; leave it out."
    )


def test_the_file_of_a_lora_is_recorded(data_dir: Path) -> None:
    backend = backends.create(spec_of(lora="./loras/{steps}step.safetensors", steps=2), data_dir)
    (rendered,) = backend.render(["a red cube"], [7])
    content = (data_dir / "loras" / "2step.safetensors").read_bytes()
    recorded = rendered.checkpoints["lora"]
    assert recorded.location == "./loras/2step.safetensors"
    assert recorded.files == {"2step.safetensors": hashlib.sha256(content).hexdigest()}
