"""A checkpoint that is cut off, incomplete or of another model is one sentence, and never a picture."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.generation.turbo import load_error

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:The `local_dir_use_symlinks`:UserWarning:huggingface_hub"),
]


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
def test_damaged_checkpoint(turbo_dir: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(turbo_dir / "turbo")
    said = load_error(turbo_dir)
    assert said.startswith(message.format(turbo=turbo_dir / "turbo"))
    assert "\n" not in said
    assert said.endswith(".")
