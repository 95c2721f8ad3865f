from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation.catalogue import resolve
from generation.systems import BACKEND_NAMES, DTYPES, SpecError, SystemSpec

SDXL: dict[str, Any] = {
    "name": "sdxl",
    "backend": "diffusers",
    "model": "./sdxl",
    "pipeline": "StableDiffusionXLPipeline",
    "steps": 50,
    "width": 1024,
    "height": 1024,
}
SIZE = "a whole number of pixels, a multiple of 8 and at least 8"
REFERENCE = "a hub id such as 'org/name', an absolute folder, or './folder' inside the data folder"
LORA = "a hub id such as 'org/name', one of its files, 'org/name/file.safetensors', or a local folder or file"
NAME = "1 to 64 lower-case letters, digits, '-', '.' and '_', the first a letter or digit"
KEYS = (
    "catalogue, name, backend, model, steps, width, height, pipeline, revision, variant, unet, vae, "
    "lora, scheduler, guidance_scale, dtype, arguments"
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "SDXL"}, f"name is 'SDXL'; allowed: {NAME}"),
        ({"name": ""}, f"name is ''; allowed: {NAME}"),
        ({"backend": "difusers"}, "backend is 'difusers'; allowed: " + ", ".join(BACKEND_NAMES)),
        ({"model": "sdxl"}, f"model is 'sdxl'; allowed: {REFERENCE}"),
        ({"model": "../sdxl"}, f"model is '../sdxl'; allowed: {REFERENCE}"),
        (
            {"model": "network-snapshot.pkl"},
            f"model is 'network-snapshot.pkl'; allowed: {REFERENCE}. A pickle runs code when it is opened, so none is "
            "loaded; export your own generator, as docs/systems.md shows, and give that folder",
        ),
        (
            {"guidance_scale": 0.0, "arguments": {"negative_prompt": "grey"}},
            "arguments.negative_prompt is 'grey'; allowed: none, because guidance_scale 0.0 turns off the guidance "
            "that it is for",
        ),
        ({"unet": 3}, f"unet is 3; allowed: {REFERENCE}"),
        ({"vae": ""}, f"vae is ''; allowed: {REFERENCE}"),
        ({"lora": "lcm-lora-sdxl"}, f"lora is 'lcm-lora-sdxl'; allowed: {LORA}"),
        ({"lora": "org/na me/file"}, f"lora is 'org/na me/file'; allowed: {LORA}"),
        (
            {"steps": 51, "scheduler": {"class": "LCMScheduler"}},
            "steps is 51; allowed: 1 to 50 with LCMScheduler, whose scheduler.original_inference_steps is 50",
        ),
        (
            {"steps": [4, 101], "scheduler": {"class": "TCDScheduler", "original_inference_steps": 100}},
            "steps is 101; allowed: 1 to 100 with TCDScheduler, whose scheduler.original_inference_steps is 100",
        ),
        (
            {"scheduler": {"class": "LCMScheduler", "original_inference_steps": "all"}},
            "scheduler.original_inference_steps is 'all'; allowed: a whole number of at least 1",
        ),
        ({"steps": 0}, "steps is 0; allowed: a whole number from 1 to 10000"),
        ({"steps": True}, "steps is True; allowed: a whole number from 1 to 10000"),
        ({"steps": 4.0}, "steps is 4.0; allowed: a whole number from 1 to 10000"),
        ({"steps": "4"}, "steps is '4'; allowed: a whole number from 1 to 10000"),
        ({"steps": []}, "steps is an empty list; allowed: a whole number from 1 to 10000, or a list of them"),
        ({"steps": [1, 4, 1]}, "steps is [1, 4, 1]; allowed: each number once, but 1 is repeated"),
        ({"steps": [4, 0]}, "steps is 0; allowed: a whole number from 1 to 10000"),
        ({"width": 500}, f"width is 500; allowed: {SIZE}"),
        ({"width": True}, f"width is True; allowed: {SIZE}"),
        ({"height": 0}, f"height is 0; allowed: {SIZE}"),
        ({"height": -8}, f"height is -8; allowed: {SIZE}"),
        ({"dtype": "float8"}, "dtype is 'float8'; allowed: float16, bfloat16, float32"),
        ({"guidance_scale": -1}, "guidance_scale is -1; allowed: a number of at least 0"),
        ({"guidance_scale": float("nan")}, "guidance_scale is nan; allowed: a number of at least 0"),
        ({"guidance_scale": "5"}, "guidance_scale is '5'; allowed: a number of at least 0"),
        ({"variant": ""}, "variant is ''; allowed: a text that is not empty"),
        ({"revision": "main"}, "revision is 'main'; allowed: none, because model is a folder"),
        (
            {"pipeline": "StableDiffusionXL Pipeline"},
            "pipeline is 'StableDiffusionXL Pipeline'; allowed: the name of a diffusers pipeline class, "
            "such as 'StableDiffusionXLPipeline'",
        ),
        (
            {"scheduler": {"timestep_spacing": "trailing"}},
            "scheduler.class is missing; allowed: the name of a diffusers scheduler class, "
            "such as 'EulerDiscreteScheduler'",
        ),
        (
            {"scheduler": "EulerDiscreteScheduler"},
            "scheduler is 'EulerDiscreteScheduler'; allowed: a table of texts, finite numbers, true and false",
        ),
        (
            {"arguments": {"sizes": [1, 2]}},
            "arguments is {'sizes': [1, 2]}; allowed: a table of texts, finite numbers, true and false",
        ),
        ({"guidance": 5.0}, f"guidance is not a known key; allowed: {KEYS} (did you mean guidance_scale?)"),
        ({"zzz": 1}, f"zzz is not a known key; allowed: {KEYS}"),
    ],
)
def test_bad_table(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        resolve(SDXL | changes)


@pytest.mark.parametrize("key", ["name", "backend", "model", "steps", "width", "height", "pipeline"])
def test_missing_key(key: str) -> None:
    table = {name: value for name, value in SDXL.items() if name != key}
    with pytest.raises(SpecError, match=f"^{key} is missing; allowed: "):
        resolve(table)


def test_error_carries_its_parts() -> None:
    with pytest.raises(SpecError) as caught:
        resolve(SDXL | {"dtype": "int8"})
    assert (caught.value.key, caught.value.found) == ("dtype", "'int8'")
    assert caught.value.allowed == "float16, bfloat16, float32"


@pytest.mark.parametrize("backend", ["endpoint", "imported"])
def test_the_model_of_others_has_any_name(backend: str) -> None:
    (system,) = resolve(
        {"name": "outside", "backend": backend, "model": "Model 6", "steps": 1, "width": 512, "height": 512}
    )
    assert (system.slug, system.model, system.pipeline) == ("outside@1", "Model 6", None)
    with pytest.raises(SpecError, match=r"^model is ' '; allowed: a text that is not empty$"):
        replace(system, model=" ")


def test_each_entry_of_steps_is_a_system() -> None:
    systems = resolve(SDXL | {"steps": [1, 2, 4]})
    assert [system.slug for system in systems] == ["sdxl@1", "sdxl@2", "sdxl@4"]
    assert len({system.fingerprint for system in systems}) == 3


def test_fingerprint_is_stable() -> None:
    spec = SystemSpec(
        **SDXL,
        variant="fp16",
        scheduler={"timestep_spacing": "leading", "class": "EulerDiscreteScheduler"},
        guidance_scale=5,
        arguments={"negative_prompt": "blurred, größer"},
    )
    assert spec.fingerprint == "17f12a16addd8fc1d8f94dcdac223bbfd11e87010d5c217cd40925c6f6123feb"
    reordered = {"class": "EulerDiscreteScheduler", "timestep_spacing": "leading"}
    assert replace(spec, scheduler=reordered).fingerprint == spec.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"backend": "muse"},
        {"model": "./other"},
        {"pipeline": "KolorsPipeline"},
        {"model": "org/sdxl", "revision": "main"},
        {"variant": "fp16"},
        {"unet": "./unet"},
        {"vae": "./vae"},
        {"lora": "org/lora"},
        {"lora": "org/lora/file.safetensors"},
        {"scheduler": {"class": "LCMScheduler"}},
        {"steps": 49},
        {"guidance_scale": 0.0},
        {"width": 512},
        {"height": 512},
        {"dtype": "float32"},
        {"arguments": {"eta": 0.5}},
    ],
)
def test_fingerprint_changes_with_every_field(change: dict[str, Any]) -> None:
    assert SystemSpec(**SDXL | change).fingerprint != SystemSpec(**SDXL).fingerprint


def test_as_many_steps_as_were_distilled() -> None:
    options: dict[str, str | int] = {"class": "LCMScheduler", "original_inference_steps": 100}
    assert replace(SystemSpec(**SDXL), scheduler=options, steps=100).steps == 100


def test_fingerprint_leaves_the_name_out() -> None:
    assert SystemSpec(**SDXL | {"name": "base"}).fingerprint == SystemSpec(**SDXL).fingerprint


def test_spec_cannot_be_changed_through_its_tables() -> None:
    options = {"class": "LCMScheduler"}
    spec = SystemSpec(**SDXL, scheduler=options)
    options["class"] = "DDIMScheduler"
    spec.as_dict()["scheduler"]["class"] = "DDIMScheduler"
    assert spec.scheduler == {"class": "LCMScheduler"}
    with pytest.raises(TypeError):
        spec.scheduler["class"] = "DDIMScheduler"  # type: ignore[index]


sizes = st.integers(1, 512).map(lambda units: 8 * units)
words = st.text(min_size=1, max_size=8).filter(lambda text: bool(text.strip()))
identifiers = st.from_regex(r"[A-Z][A-Za-z0-9]{0,20}", fullmatch=True)
references = st.from_regex(r"(\./|/)?[a-z0-9]{1,8}/[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)
scalars = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
specs = st.builds(
    SystemSpec,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    backend=st.sampled_from(BACKEND_NAMES),
    model=references,
    pipeline=identifiers,
    variant=st.none() | words,
    unet=st.none() | references,
    vae=st.none() | references,
    lora=st.none() | references,
    scheduler=st.builds(lambda name, options: options | {"class": name}, identifiers, st.dictionaries(words, scalars)),
    steps=st.integers(1, 1000),
    guidance_scale=st.none() | st.floats(0, 100),
    width=sizes,
    height=sizes,
    dtype=st.sampled_from(DTYPES),
    arguments=st.dictionaries(st.text(), scalars),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(specs)
def test_round_trip(spec: SystemSpec) -> None:
    again = SystemSpec.from_dict(spec.as_dict())
    assert again == spec
    assert again.fingerprint == spec.fingerprint
    assert hash(again) == hash(spec)
