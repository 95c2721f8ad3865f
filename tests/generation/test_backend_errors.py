from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generation import backends
from generation.backends import PermanentBackendError, TransientBackendError
from generation.systems import SystemSpec

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:The `local_dir_use_symlinks`:UserWarning:huggingface_hub"),
]

TURBO: dict[str, Any] = {
    "name": "turbo",
    "backend": "diffusers",
    "pipeline": "StableDiffusionXLPipeline",
    "model": "./turbo",
    "steps": 1,
    "guidance_scale": 0.0,
    "width": 64,
    "height": 64,
    "dtype": "float32",
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.checkpoints import write_sdxl

    folder = tmp_path_factory.mktemp("zoo") / "turbo"
    write_sdxl(folder, seed=2, size=64, turbo=True)
    return folder


@pytest.fixture
def data_dir(checkpoint: Path, tmp_path: Path) -> Path:
    shutil.copytree(checkpoint, tmp_path / "turbo")
    return tmp_path


def load_error(data_dir: Path, **changes: Any) -> str:
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(SystemSpec(**TURBO | changes), data_dir)
    return str(caught.value)


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
def test_bad_spec(data_dir: Path, changes: dict[str, Any], message: str) -> None:
    import diffusers

    assert load_error(data_dir, **changes) == message.format(data=data_dir, version=diffusers.__version__)


def remove_text_encoder(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder")


def empty_tokenizer(folder: Path) -> None:
    for path in (folder / "tokenizer").iterdir():
        path.unlink()


def break_index(folder: Path) -> None:
    (folder / "model_index.json").write_text("{")


def pickle_unet(folder: Path) -> None:
    for path in (folder / "unet").glob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))


def truncate(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def leave_out(name: str, part: str) -> Callable[[Path], None]:
    """Weights whose names have that part are in no file any more."""

    def damage(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = load_file(folder / name)
        save_file(
            {key: weight for key, weight in weights.items() if part not in key},
            folder / name,
            metadata={"format": "pt"},
        )

    return damage


def without_merges(folder: Path) -> None:
    (folder / "tokenizer" / "merges.txt").unlink()


def empty_vocabulary(folder: Path) -> None:
    (folder / "tokenizer_2" / "vocab.json").write_bytes(b"")


def of_another_size(folder: Path) -> None:
    path = folder / "text_encoder" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"intermediate_size": 24}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            remove_text_encoder,
            "turbo@1: model is './turbo', but {turbo} has no subfolder text_encoder, which its model_index.json lists.",
        ),
        (
            empty_tokenizer,
            "turbo@1: model is './turbo', but {turbo}/tokenizer is empty; copy the whole checkpoint there.",
        ),
        (
            break_index,
            "turbo@1: model is './turbo', but {turbo}/model_index.json is not a JSON object; "
            "copy the checkpoint again.",
        ),
        (
            pickle_unet,
            "turbo@1: model is './turbo', but {turbo}/unet has no .safetensors weights; "
            "pickled .bin weights are not loaded.",
        ),
        *(
            (
                truncate(f"{name}.safetensors"),
                f"turbo@1: model is './turbo', but {{turbo}}/{name}.safetensors is damaged or incomplete "
                "(Error while deserializing header: incomplete metadata, file not fully covered); copy it again.",
            )
            for name in (
                "vae/diffusion_pytorch_model",
                "unet/diffusion_pytorch_model",
                "text_encoder/model",
                "text_encoder_2/model",
            )
        ),
        (
            truncate("text_encoder/config.json"),
            "turbo@1: model is './turbo', but {turbo} cannot be loaded: ",
        ),
        (
            truncate("tokenizer/vocab.json"),
            "turbo@1: model is './turbo', but {turbo} cannot be loaded: ",
        ),
        (
            of_another_size,
            "turbo@1: model is './turbo', but {turbo} cannot be loaded: ",
        ),
        (
            without_merges,
            "turbo@1: model is './turbo', but {turbo}/tokenizer has no vocabulary (",
        ),
        (
            empty_vocabulary,
            "turbo@1: model is './turbo', but {turbo}/tokenizer_2 has no vocabulary (",
        ),
        (
            leave_out("unet/diffusion_pytorch_model.safetensors", "conv_out.bias"),
            "turbo@1: model is './turbo', but {turbo} cannot be loaded: the weights of its UNet2DConditionModel lack "
            "conv_out.bias; if the checkpoint is damaged or incomplete, copy it again.",
        ),
        (
            leave_out("text_encoder/model.safetensors", "layers.1."),
            "turbo@1: model is './turbo', but {turbo} cannot be loaded: the weights of its CLIPTextModel lack ",
        ),
        (
            leave_out("text_encoder_2/model.safetensors", "text_projection"),
            "turbo@1: model is './turbo', but {turbo} cannot be loaded: the weights of its "
            "CLIPTextModelWithProjection lack text_projection.weight; ",
        ),
    ],
)
def test_damaged_checkpoint(data_dir: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(data_dir / "turbo")
    said = load_error(data_dir)
    assert said.startswith(message.format(turbo=data_dir / "turbo"))
    assert "\n" not in said
    assert said.endswith(".")


def test_pixels_that_are_not_numbers_are_never_an_image(data_dir: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = data_dir / "turbo" / "vae" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["decoder.conv_out.bias"][0] = float("nan")
    save_file(weights, path, metadata={"format": "pt"})
    backend = backends.create(SystemSpec(**TURBO), data_dir)
    with pytest.raises(PermanentBackendError) as caught:
        backend.render(["a cat"], [3])
    assert str(caught.value) == (
        "turbo@1 made pixels that are not numbers of 'a cat' with seed 3; "
        "dtype is 'float32': try 'bfloat16' or 'float32', or a vae made for it."
    )


def test_out_of_memory_may_be_tried_again(data_dir: Path) -> None:
    """A tensor hook stands in for the full GPU; what is tested is what becomes of its error."""
    import torch

    def fill_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    backend = backends.create(SystemSpec(**TURBO), data_dir)
    handle = torch.nn.modules.module.register_module_forward_pre_hook(fill_memory)
    try:
        with pytest.raises(TransientBackendError) as caught:
            backend.render(["a cat", "a dog"], [3, 4])
    finally:
        handle.remove()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    assert str(caught.value) == f"turbo@1 ran out of memory on {device} with a batch of 2."
