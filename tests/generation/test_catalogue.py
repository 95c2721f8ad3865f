from __future__ import annotations

from typing import Any

import pytest

from generation.backends import missing_backend
from generation.systems import SpecError, SystemSpec, catalogue, resolve


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
        "catalogue is 'sdxl_turbo'; allowed: sdxl, sdxl-turbo, lcm-xl, if-xl, openmuse, stylegan-t-pp "
        "(did you mean sdxl-turbo?)"
    )


def test_entry_must_be_a_name() -> None:
    with pytest.raises(SpecError, match=r"^catalogue is \['sdxl'\]; allowed: sdxl, "):
        resolve({"catalogue": ["sdxl"]})


def test_turbo_takes_no_guidance() -> None:
    with pytest.raises(SpecError) as caught:
        resolve({"catalogue": "sdxl-turbo", "guidance_scale": 3.0})
    assert str(caught.value) == "guidance_scale is 3.0; allowed: 0.0, the only value that sdxl-turbo is made for"
    assert entry("sdxl-turbo", guidance_scale=0).guidance_scale == 0.0


def test_missing_backend() -> None:
    assert [name for name in catalogue() if missing_backend(entry(name))] == ["stylegan-t-pp"]
    assert missing_backend(entry("stylegan-t-pp")) == (
        "stylegan-t-pp@1 needs backend 'stylegan-t', which does not exist yet; existing: diffusers, deepfloyd, muse."
    )
    assert missing_backend(entry("sdxl", backend="imported")) == (
        "sdxl@50 is made elsewhere: bring its images with import_images STUDY manifest.csv."
    )
