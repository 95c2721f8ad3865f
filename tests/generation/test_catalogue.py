from __future__ import annotations

from typing import Any

import pytest

from generation.backends import BACKENDS, missing_backend
from generation.catalogue import catalogue, resolve
from generation.systems import BACKEND_NAMES, IMPORTED, SpecError, SystemSpec


def entry(catalogue_name: str, /, **overrides: Any) -> SystemSpec:
    (system,) = resolve({"catalogue": catalogue_name} | overrides)
    return system


@pytest.mark.parametrize(
    ("name", "slug", "guidance", "size", "backend"),
    [
        ("sdxl", "sdxl@50", 5.0, 1024, "diffusers"),
        ("sdxl-turbo", "sdxl-turbo@4", 0.0, 512, "diffusers"),
        ("lcm-xl", "lcm-xl@4", 8.0, 1024, "diffusers"),
        ("if-xl", "if-xl@100", 7.0, 1024, "deepfloyd"),
        ("openmuse", "openmuse@16", 10.0, 512, "muse"),
        ("stylegan-t-pp", "stylegan-t-pp@1", None, 512, "stylegan-t"),
        ("lcm-lora-xl", "lcm-lora-xl@4", 1.0, 1024, "diffusers"),
        ("sd-3.5-medium", "sd-3.5-medium@40", 4.5, 1024, "diffusers"),
        ("flux.1-schnell", "flux.1-schnell@4", 0.0, 1024, "diffusers"),
        ("stable-cascade", "stable-cascade@10", None, 1024, "diffusers"),
        ("qwen-image", "qwen-image@50", None, 1328, "diffusers"),
    ],
)
def test_reference_settings(name: str, slug: str, guidance: float | None, size: int, backend: str) -> None:
    system = entry(name)
    assert system.slug == slug
    assert (system.guidance_scale, system.width, system.height) == (guidance, size, size)
    assert system.backend == backend


def test_every_entry_resolves() -> None:
    assert [entry(name).name for name in catalogue()] == list(catalogue())


def test_overrides_replace_single_keys() -> None:
    system = entry("sdxl", name="small", model="./small", steps=2, width=128)
    assert (system.slug, system.model, system.width, system.height) == ("small@2", "./small", 128, 1024)
    assert system.guidance_scale == 5.0


def test_overrides_leave_the_catalogue_alone() -> None:
    entry("sdxl", steps=7)
    assert entry("sdxl").steps == 50


def test_unknown_entry_names_the_closest() -> None:
    with pytest.raises(SpecError) as caught:
        resolve({"catalogue": "sdxl_turbo"})
    assert str(caught.value) == (
        f"catalogue is 'sdxl_turbo'; allowed: {', '.join(catalogue())} (did you mean sdxl-turbo?)"
    )


def test_entry_must_be_a_name() -> None:
    with pytest.raises(SpecError, match=r"^catalogue is \['sdxl'\]; allowed: sdxl, "):
        resolve({"catalogue": ["sdxl"]})


def test_turbo_takes_no_guidance() -> None:
    with pytest.raises(SpecError) as caught:
        resolve({"catalogue": "sdxl-turbo", "guidance_scale": 3.0})
    assert str(caught.value) == "guidance_scale is 3.0; allowed: 0.0, the only value that sdxl-turbo is made for"
    assert entry("sdxl-turbo", guidance_scale=0).guidance_scale == 0.0


def test_turbo_takes_few_steps() -> None:
    with pytest.raises(SpecError) as caught:
        resolve({"catalogue": "sdxl-turbo", "steps": [4, 50]})
    assert str(caught.value) == (
        "steps is 50; allowed: 1, 2, 3, 4, the only numbers of steps that sdxl-turbo is made for"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"guidance_scale": 7.0}, "guidance_scale is 7.0; allowed: 0.0, the only value that sdxl-turbo is made for"),
        ({}, "guidance_scale is missing; allowed: 0.0, the only value that sdxl-turbo is made for"),
        (
            {"guidance_scale": 0.0, "steps": 50},
            "steps is 50; allowed: 1, 2, 3, 4, the only numbers of steps that sdxl-turbo is made for",
        ),
    ],
)
def test_turbo_is_known_by_its_model_too(changes: dict[str, Any], message: str) -> None:
    whole = {
        "name": "ours",
        "backend": "diffusers",
        "pipeline": "StableDiffusionXLPipeline",
        "model": "stabilityai/sdxl-turbo",
        "steps": 1,
        "width": 512,
        "height": 512,
    }
    with pytest.raises(SpecError) as caught:
        resolve(whole | changes)
    assert str(caught.value) == message
    assert resolve(whole | {"guidance_scale": 0.0})[0].slug == "ours@1"


def test_entries_of_distilled_models_take_no_other_guidance() -> None:
    fixed = [
        name
        for name, content in catalogue().items()
        if "guidance_scale" in content.get("fixed", ()) and "guidance_scale" in content
    ]
    assert {"sdxl-turbo", "sd-turbo", "sdxl-lightning", "flux.1-schnell", "z-image-turbo"} < set(fixed)
    for name in fixed:
        with pytest.raises(SpecError, match=f"^guidance_scale is 7.5; allowed: .*, the only value that {name} is made"):
            resolve({"catalogue": name, "guidance_scale": 7.5})


def test_guidance_that_a_pipeline_would_ignore() -> None:
    """Qwen-Image's is an argument, true_cfg_scale."""
    with pytest.raises(SpecError) as caught:
        resolve({"catalogue": "qwen-image", "guidance_scale": 4.0})
    assert str(caught.value) == "guidance_scale is 4.0; allowed: none for qwen-image"


@pytest.mark.parametrize("steps", [3, [2, 3]])
def test_steps_that_an_entry_is_not_made_for(steps: object) -> None:
    with pytest.raises(SpecError) as caught:
        resolve({"catalogue": "sdxl-lightning", "steps": steps})
    assert str(caught.value) == (
        "steps is 3; allowed: 2, 4, 8, the only numbers of steps that sdxl-lightning is made for"
    )


def test_each_number_of_steps_has_its_lora() -> None:
    systems = resolve({"catalogue": "sdxl-lightning", "steps": [2, 8]})
    assert [system.lora for system in systems] == [
        "ByteDance/SDXL-Lightning/sdxl_lightning_2step_lora.safetensors",
        "ByteDance/SDXL-Lightning/sdxl_lightning_8step_lora.safetensors",
    ]
    (own,) = resolve({"catalogue": "sdxl-lightning", "lora": "./mine/{steps}.safetensors"})
    assert own.lora == "./mine/4.safetensors"
    assert own.fingerprint == entry("sdxl-lightning", lora="./mine/4.safetensors").fingerprint


def test_the_files_of_the_hypers_are_named_as_in_their_repository() -> None:
    assert entry("hyper-sdxl", steps=8).lora == "ByteDance/Hyper-SD/Hyper-SDXL-8steps-lora.safetensors"
    assert entry("hyper-sdxl-unified").lora == "ByteDance/Hyper-SD/Hyper-SDXL-1step-lora.safetensors"


def test_missing_backend() -> None:
    assert {*BACKENDS, IMPORTED} == set(BACKEND_NAMES)
    assert [name for name in catalogue() if missing_backend(entry(name))] == []
    assert missing_backend(entry("sdxl", backend="imported")) == (
        "sdxl@50 is made elsewhere: bring its images with import_images STUDY manifest.csv."
    )
