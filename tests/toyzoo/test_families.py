from __future__ import annotations

import json
from pathlib import Path

import pytest

FAMILIES = (
    "sdxl", "sdxl-turbo", "playground", "sd-1.5", "sd-turbo", "sd-3.5", "flux.1-schnell", "flux.1-dev",
    "flux.2-klein", "z-image", "qwen-image", "pixart-sigma", "sana", "sana-sprint", "lumina-2", "kandinsky-2.2",
    "kandinsky-3", "stable-cascade",
)  # fmt: skip


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.families import WRITERS

    folder = tmp_path_factory.mktemp("zoo")
    for name, write in WRITERS.items():
        write(folder / name)
    return folder


def test_all_are_here(zoo: Path) -> None:
    priors = ("kandinsky-2.2-prior", "stable-cascade-prior")
    assert sorted(path.name for path in zoo.iterdir()) == sorted([*FAMILIES, *priors])


@pytest.mark.parametrize("family", [*FAMILIES, "kandinsky-2.2-prior", "stable-cascade-prior"])
def test_it_is_small_and_loaded_whole(zoo: Path, family: str) -> None:
    """No weight is missing or left over, under the key names that the hub's repositories have."""
    import diffusers
    import transformers
    from diffusers.pipelines.deprecated import wuerstchen

    libraries = {"diffusers": diffusers, "transformers": transformers, "wuerstchen": wuerstchen}
    folder = zoo / family
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 8_000_000
    for name, kind in json.loads((folder / "model_index.json").read_text()).items():
        if any((folder / name).glob("*.safetensors")):
            library, kind_name = kind
            _, loading = getattr(libraries[library], kind_name).from_pretrained(
                str(folder / name), output_loading_info=True
            )
            assert not any(loading.values()), name


@pytest.mark.parametrize("family", ["z-image", "qwen-image", "lumina-2", "sana", "flux.1-dev"])
def test_tokenizers_keep_the_text(zoo: Path, family: str) -> None:
    from transformers import AutoTokenizer

    name = "tokenizer_2" if family == "flux.1-dev" else "tokenizer"
    tokenizer = AutoTokenizer.from_pretrained(str(zoo / family / name))
    tokens = tokenizer("a red cube!").input_ids
    assert tokenizer.decode(tokens, skip_special_tokens=True) == "a red cube!"


def test_text_encoders_have_the_old_key_names(zoo: Path) -> None:
    from safetensors import safe_open

    with safe_open(zoo / "qwen-image" / "text_encoder" / "model.safetensors", "pt") as weights:
        assert {key.split(".")[0] for key in weights.keys()} == {"model", "visual", "lm_head"}  # noqa: SIM118
        assert "model.embed_tokens.weight" in weights.keys()  # noqa: SIM118
