from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

NAMES = ["tiny-lcm-unet", "tiny-sdxl", "tiny-sdxl-turbo"]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.checkpoints import write_all

    folder = tmp_path_factory.mktemp("zoo") / "checkpoints"
    write_all(folder)
    return folder


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_everything_is_small(zoo: Path) -> None:
    assert sorted(path.name for path in zoo.iterdir()) == NAMES
    assert all(size_of(zoo / name) < 5_000_000 for name in NAMES)


def test_layout_is_the_old_one_of_the_hub(zoo: Path) -> None:
    from safetensors import safe_open

    index = json.loads((zoo / "tiny-sdxl" / "model_index.json").read_text())
    assert {path.name for path in (zoo / "tiny-sdxl").iterdir() if path.is_dir()} == {
        name for name in index if not name.startswith("_") and isinstance(index[name], list)
    }
    for tokenizer in ("tokenizer", "tokenizer_2"):
        files = {path.name for path in (zoo / "tiny-sdxl" / tokenizer).iterdir()}
        assert {"vocab.json", "merges.txt"} < files
    for suffix in ("", ".fp16"):
        weights = zoo / "tiny-sdxl" / "text_encoder_2" / f"model{suffix}.safetensors"
        with safe_open(weights, "pt") as tensors:
            keys = list(tensors.keys())
        assert {key.partition(".")[0] for key in keys} == {"text_model", "text_projection"}


@pytest.mark.parametrize(
    ("name", "scheduler", "spacing"),
    [
        ("tiny-sdxl", "EulerDiscreteScheduler", "leading"),
        ("tiny-sdxl-turbo", "EulerAncestralDiscreteScheduler", "trailing"),
    ],
)
def test_schedulers(zoo: Path, name: str, scheduler: str, spacing: str) -> None:
    config = json.loads((zoo / name / "scheduler" / "scheduler_config.json").read_text())
    assert (config["_class_name"], config["timestep_spacing"]) == (scheduler, spacing)


def test_pipelines_are_loaded_whole(zoo: Path) -> None:
    """No weight is missing or left over: diffusers would draw it at random, or drop it, without an error."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    folder = zoo / "tiny-sdxl"
    for kind, path in [
        (CLIPTextModel, folder / "text_encoder"),
        (CLIPTextModelWithProjection, folder / "text_encoder_2"),
        (UNet2DConditionModel, folder / "unet"),
        (AutoencoderKL, folder / "vae"),
        (UNet2DConditionModel, zoo / "tiny-lcm-unet"),
    ]:
        _, loading = kind.from_pretrained(str(path), output_loading_info=True)
        assert not any(loading.values()), path


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.deepfloyd import write_cascade
    from toyzoo.untrained.muse import write_muse

    folder = tmp_path_factory.mktemp("families")
    write_cascade(folder, seed=1)
    write_muse(folder / "muse", seed=1)
    return folder


def test_t5_is_as_deepfloyd_has_it(families: Path) -> None:
    from transformers import T5Tokenizer

    folder = families / "stage-1"
    assert "spiece.model" in {path.name for path in (folder / "tokenizer").iterdir()}
    assert not (folder / "tokenizer" / "tokenizer.json").exists()
    tokens = T5Tokenizer.from_pretrained(str(folder / "tokenizer"))
    assert tokens.decode(tokens("a red cube").input_ids) == "a red cube</s>"
    index = json.loads((folder / "text_encoder" / "model.safetensors.index.fp16.json").read_text())
    assert set(index["weight_map"].values()) == {f"model.fp16-0000{number}-of-00002.safetensors" for number in (1, 2)}


def test_other_families_are_loaded_whole(families: Path) -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel, UVit2DModel, VQModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, T5EncoderModel

    for kind, name, variant in [
        (T5EncoderModel, "stage-1/text_encoder", None),
        (T5EncoderModel, "stage-1/text_encoder", "fp16"),
        (UNet2DConditionModel, "stage-1/unet", None),
        (UNet2DConditionModel, "stage-2/unet", None),
        (CLIPTextModel, "stage-3/text_encoder", None),
        (UNet2DConditionModel, "stage-3/unet", None),
        (AutoencoderKL, "stage-3/vae", None),
        (CLIPTextModelWithProjection, "muse/text_encoder", None),
        (UVit2DModel, "muse/transformer", None),
        (VQModel, "muse/vqvae", None),
    ]:
        _, loading = kind.from_pretrained(str(families / name), variant=variant, output_loading_info=True)
        assert not any(loading.values()), name
    assert all(size_of(folder) < 5_000_000 for folder in families.iterdir())


def test_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    from toyzoo.untrained.checkpoints import write_lcm_unet

    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        write_lcm_unet(tmp_path / name, seed)
    first, again, other = ((tmp_path / name / "diffusion_pytorch_model.safetensors").read_bytes() for name in "abc")
    assert first == again != other


def test_writing_leaves_the_global_random_state_alone(tmp_path: Path) -> None:
    import torch

    from toyzoo.untrained.checkpoints import write_lcm_unet

    before = torch.random.get_rng_state()
    write_lcm_unet(tmp_path / "unet", seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_only_what_is_missing_is_written(zoo: Path) -> None:
    from toyzoo.untrained.checkpoints import write_all

    assert write_all(zoo) == []


def test_what_an_interrupted_run_left_is_replaced(tmp_path: Path) -> None:
    from toyzoo.untrained.checkpoints import write_lcm_unet

    (tmp_path / ".unet.part").mkdir()
    (tmp_path / ".unet.part" / "half").touch()
    write_lcm_unet(tmp_path / "unet", seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["unet"]
    assert not (tmp_path / "unet" / "half").exists()


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from toyzoo.untrained import checkpoints

    monkeypatch.setattr(sys, "argv", ["checkpoints", str(tmp_path)])
    checkpoints.main()
    assert capsys.readouterr().out == "".join(
        f"wrote {tmp_path / name}\n" for name in ["tiny-sdxl", "tiny-sdxl-turbo", "tiny-lcm-unet"]
    )
    checkpoints.main()
    assert capsys.readouterr().out == ""
