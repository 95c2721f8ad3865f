from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation import backends
from generation.backends import PermanentBackendError, TransientBackendError
from generation.systems import SystemSpec
from tests.generation.turbo import TURBO, load_error

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:The `local_dir_use_symlinks`:UserWarning:huggingface_hub"),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"backend": "imported"},
            "turbo@1 is made elsewhere: bring its images with import_images STUDY manifest.csv.",
        ),
        (
            {"model": "./none"},
            "turbo@1: model is './none', but there is no folder {data}/none; "
            "put the checkpoint there or correct the path.",
        ),
        (
            {"unet": "./none"},
            "turbo@1: unet is './none', but there is no folder {data}/none; "
            "put the checkpoint there or correct the path.",
        ),
        (
            {"model": "./turbo/vae"},
            "turbo@1: model is './turbo/vae', but {data}/turbo/vae has no model_index.json, "
            "so it holds no diffusers pipeline.",
        ),
        (
            {"vae": "./turbo"},
            "turbo@1: vae is './turbo', but {data}/turbo has no config.json; copy the whole checkpoint there.",
        ),
        (
            {"variant": "bf16"},
            "turbo@1: variant is 'bf16', but {data}/turbo/text_encoder has no weights of that variant; "
            "leave variant out or add them.",
        ),
        (
            {"pipeline": "StableDiffusionXlPipeline"},
            "turbo@1: pipeline is 'StableDiffusionXlPipeline', but diffusers {version} has no such pipeline; "
            "did you mean 'StableDiffusionXLPipeline'?",
        ),
        (
            {"pipeline": "AutoencoderKL"},
            "turbo@1: pipeline is 'AutoencoderKL', but diffusers {version} has no such pipeline.",
        ),
        (
            {"scheduler": {"class": "EulerDiscretScheduler"}},
            "turbo@1: scheduler.class is 'EulerDiscretScheduler', but diffusers {version} has no such scheduler; "
            "did you mean 'EulerDiscreteScheduler'?",
        ),
        (
            {"scheduler": {"class": "EulerDiscreteScheduler", "timestep_spaceing": "trailing"}},
            "turbo@1: EulerDiscreteScheduler takes no option 'timestep_spaceing'; did you mean 'timestep_spacing'?",
        ),
        (
            {"arguments": {"negativ_prompt": "grey"}},
            "turbo@1: StableDiffusionXLPipeline takes no argument 'negativ_prompt'; did you mean 'negative_prompt'?",
        ),
        (
            {"arguments": {"original_inference_steps": 50}},
            "turbo@1: StableDiffusionXLPipeline takes no argument 'original_inference_steps'.",
        ),
        (
            {"arguments": {"generator": 3}},
            "turbo@1: arguments has 'generator', which Evalsite sets itself; leave it out.",
        ),
        (
            {"arguments": {"clip_skip": 40}},
            "turbo@1: StableDiffusionXLPipeline failed in its first call: tuple index out of range",
        ),
        (
            {"pipeline": "StableDiffusion3Pipeline", "unet": "./turbo/unet"},
            "turbo@1: unet is './turbo/unet', but StableDiffusion3Pipeline has no unet to replace.",
        ),
        (
            {"model": "stabilityai/sdxl-turbo"},
            "turbo@1: model is 'stabilityai/sdxl-turbo', but stabilityai/sdxl-turbo is not in the local cache, and "
            "the hub cannot be reached; check the name and the network.",
        ),
        (
            {"vae": "madebyollin/sdxl-vae-fp16-fix", "variant": "fp16"},
            "turbo@1: vae is 'madebyollin/sdxl-vae-fp16-fix', but madebyollin/sdxl-vae-fp16-fix is not in the "
            "local cache, and the hub cannot be reached; check the name and the network.",
        ),
    ],
)
def test_bad_spec(turbo_dir: Path, changes: dict[str, Any], message: str) -> None:
    import diffusers

    assert load_error(turbo_dir, **changes) == message.format(data=turbo_dir, version=diffusers.__version__)


def test_pixels_that_are_not_numbers_are_never_an_image(turbo_dir: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = turbo_dir / "turbo" / "vae" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["decoder.conv_out.bias"][0] = float("nan")
    save_file(weights, path, metadata={"format": "pt"})
    backend = backends.create(SystemSpec(**TURBO), turbo_dir)
    with pytest.raises(PermanentBackendError) as caught:
        backend.render(["a cat"], [3])
    assert str(caught.value) == (
        "turbo@1 made pixels that are not numbers of 'a cat' with seed 3; "
        "dtype is 'float32': try 'bfloat16' or 'float32', or a vae made for it."
    )


def test_out_of_memory_may_be_tried_again(turbo_dir: Path) -> None:
    """A tensor hook stands in for the full GPU; what is tested is what becomes of its error."""
    import torch

    def fill_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    backend = backends.create(SystemSpec(**TURBO), turbo_dir)
    handle = torch.nn.modules.module.register_module_forward_pre_hook(fill_memory)
    try:
        with pytest.raises(TransientBackendError) as caught:
            backend.render(["a cat", "a dog"], [3, 4])
    finally:
        handle.remove()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    assert str(caught.value) == f"turbo@1 ran out of memory on {device} with a batch of 2."
