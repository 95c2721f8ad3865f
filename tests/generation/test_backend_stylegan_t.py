from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageStat

from generation import backends
from generation.backends import PermanentBackendError, RenderedImage
from generation.catalogue import resolve
from generation.systems import SystemSpec

DOCS = Path(__file__).resolve().parents[2] / "docs"
SMALL = {"catalogue": "stylegan-t-pp", "model": "./gan", "width": 64, "height": 64, "dtype": "float32"}
EXPORT = "export your own generator, as docs/systems.md shows, and give that folder"
PICKLE = f"a pickle, which runs code when it is opened and needs NVIDIA's repository, so it is never loaded; {EXPORT}"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.stylegan_t import write_stylegan_t

    folder = tmp_path_factory.mktemp("data")
    write_stylegan_t(folder / "gan", seed=1)
    return folder


def spec_of(**overrides: Any) -> SystemSpec:
    (spec,) = resolve(SMALL | overrides)
    return spec


def draw(data_dir: Path, **overrides: Any) -> RenderedImage:
    (rendered,) = backends.create(spec_of(**overrides), data_dir).render(["a cat"], [1])
    return rendered


def test_generator_makes_a_picture(data_dir: Path) -> None:
    rendered = draw(data_dir)
    assert (rendered.image.size, rendered.image.mode) == ((64, 64), "RGB")
    assert max(ImageStat.Stat(rendered.image).stddev) > 20
    assert rendered.environment["batch_size"] == 1
    timings = rendered.timings
    assert len(timings.forward_ms) == 1
    assert min(timings.encode_ms, *timings.forward_ms) > 0
    assert timings.decode_ms == 0
    assert timings.encode_ms + timings.denoise_ms <= timings.total_ms


def test_seed_prompt_and_psi_decide_the_picture(data_dir: Path) -> None:
    backend = backends.create(spec_of(), data_dir)
    first, again, other_seed, other_prompt = (
        backend.render([prompt], [seed])[0].image.tobytes()
        for prompt, seed in [("a cat", 1), ("a cat", 1), ("a cat", 2), ("a dog", 1)]
    )
    other_psi = draw(data_dir, arguments={"truncation_psi": 0.3}).image.tobytes()
    large = backend.render(["a cat"], [2**53 - 1])[0].image.tobytes()
    assert first == again == draw(data_dir, arguments={"truncation_psi": 1}).image.tobytes()
    assert len({first, other_seed, other_prompt, other_psi, large}) == 5


def test_config_has_the_psi_of_a_system_that_names_none(data_dir: Path) -> None:
    from toyzoo.untrained.stylegan_t import write_stylegan_t

    write_stylegan_t(data_dir / "tame", seed=1, truncation_psi=0.3)
    tame = draw(data_dir, model="./tame", arguments={}).image
    assert tame == draw(data_dir, arguments={"truncation_psi": 0.3}).image


def test_export_draws_what_the_module_draws(data_dir: Path) -> None:
    import torch
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    from generation.backends.stylegan_t import StyleGanTBackend
    from toyzoo.untrained.stylegan_t import make_generator

    backend = StyleGanTBackend()
    backend.load(spec_of(), data_dir)
    backend.prepare(spec_of())
    pixels, _ = backend._call("a cat", 7)
    tokenizer = CLIPTokenizer.from_pretrained(data_dir / "gan" / "tokenizer")
    encoder = CLIPTextModelWithProjection.from_pretrained(data_dir / "gan" / "text_encoder")
    z = torch.tensor(np.random.RandomState(7).randn(1, 16), dtype=torch.float32)
    with torch.no_grad():
        text = encoder(tokenizer("a cat", return_tensors="pt").input_ids).text_embeds
        expected = make_generator(seed=1)(z, text, torch.tensor(1.0))
    difference = pixels[0] - (expected[0].permute(1, 2, 0).numpy() + 1) / 2
    assert np.abs(difference).max() < 1e-5


def test_systems_that_differ_in_psi_share_the_generator(data_dir: Path) -> None:
    tame = spec_of(arguments={"truncation_psi": 0.3})
    assert tame.weights_key == spec_of().weights_key
    backend = backends.create(spec_of(), data_dir)
    assert backend.size_bytes > 10_000
    backend.prepare(tame)
    (rendered,) = backend.render(["a cat"], [1])
    assert rendered.image == draw(data_dir, arguments={"truncation_psi": 0.3}).image


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": "nvidia/stylegan-t"},
            f"model is 'nvidia/stylegan-t', but StyleGAN-T has no public weights to fetch from the hub; {EXPORT}.",
        ),
        ({"model": "./snapshot.PKL"}, f"model is './snapshot.PKL', but that is {PICKLE}."),
        ({"model": "/srv/gan.pth"}, f"model is '/srv/gan.pth', but that is {PICKLE}."),
        (
            {"model": "./none"},
            "model is './none', but there is no folder {data}/none; put the checkpoint there or correct the path.",
        ),
        ({"dtype": "float16"}, "dtype is 'float16', but an exported generator runs in 'float32' only."),
        ({"vae": "./vae"}, "vae is './vae', but backend 'stylegan-t' has no use for it; leave it out."),
        ({"guidance_scale": 2}, "guidance_scale is 2.0, but backend 'stylegan-t' has no use for it; leave it out."),
        (
            {"scheduler": {"class": "DDIMScheduler"}},
            "scheduler is {{'class': 'DDIMScheduler'}}, but backend 'stylegan-t' has no use for it; leave it out.",
        ),
        (
            {"arguments": {"truncation": 1}},
            "backend 'stylegan-t' takes no argument 'truncation'; did you mean 'truncation_psi'?",
        ),
        ({"arguments": {"truncation_psi": "all"}}, "arguments.truncation_psi is 'all'; allowed: a number."),
        ({"width": 128}, "width is 128 and height is 64, but it makes 64 x 64 pixels; correct both."),
    ],
)
def test_bad_spec(data_dir: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(spec_of(**changes), data_dir)
    assert str(caught.value) == f"stylegan-t-pp@1: {message.format(data=data_dir)}"


def test_steps_other_than_one(data_dir: Path) -> None:
    spec = SystemSpec.from_dict(spec_of().as_dict() | {"steps": 2})
    with pytest.raises(
        PermanentBackendError, match=r"steps is 2, but backend 'stylegan-t' makes a picture in 1 pass\."
    ):
        backends.create(spec, data_dir)


def _only_a_pickle(folder: Path) -> None:
    (folder / "generator.pt2").rename(folder / "network.pkl")


def _config(**changes: Any) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps(config))

    return write


def _export(module: Any) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        import torch

        class Other(torch.nn.Module):  # type: ignore[misc]  # mypy does not follow torch
            forward = module

        inputs = (torch.randn(1, 16), torch.randn(1, 32), torch.tensor(1.0))
        count = len(inspect.signature(module).parameters) - 1
        torch.export.save(torch.export.export(Other(), inputs[:count]), folder / "generator.pt2")

    return write


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_only_a_pickle, f"network.pkl in {{gan}} is {PICKLE}."),
        (lambda gan: (gan / "generator.pt2").unlink(), f"{{gan}} has no generator.pt2; {EXPORT}."),
        (lambda gan: (gan / "config.json").unlink(), f"{{gan}} has no config.json; {EXPORT}."),
        (lambda gan: shutil.rmtree(gan / "tokenizer"), f"{{gan}} has no tokenizer; {EXPORT}."),
        (
            lambda gan: (gan / "text_encoder" / "model.safetensors").unlink(),
            "{gan}/text_encoder has no .safetensors weights; pickled .bin weights are not loaded.",
        ),
        (lambda gan: (gan / "config.json").write_text("psi"), f"{{gan}}/config.json is not a JSON object; {EXPORT}."),
        (
            lambda gan: (gan / "config.json").write_text('{"zdim": 16}'),
            "{gan}/config.json has the keys 'zdim' instead of 'z_dim', 'resolution', 'truncation_psi'.",
        ),
        (_config(z_dim=0), "z_dim in {gan}/config.json is 0; allowed: a whole number above 0."),
        (_config(truncation_psi=True), "truncation_psi in {gan}/config.json is True; allowed: a number."),
        (_config(z_dim=17), "its generator.pt2 does not make a picture of the inputs (z, text_embedding, psi): "),
        (
            _export(lambda self, z, text: z + text[:, :16]),
            "its generator.pt2 does not make a picture of the inputs (z, text_embedding, psi): ",
        ),
        (
            _export(lambda self, z, text, psi: z * psi + text[:, :16]),
            "its generator.pt2 does not make a picture of the inputs (z, text_embedding, psi): "
            "it made (1, 16) instead of one RGB picture.",
        ),
        (
            lambda gan: (gan / "generator.pt2").write_bytes(b"PK\3\4 cut off"),
            "{gan}/generator.pt2 cannot be loaded as a torch.export program: ",
        ),
    ],
)
def test_spoiled_export(data_dir: Path, tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    shutil.copytree(data_dir / "gan", tmp_path / "gan")
    spoil(tmp_path / "gan")
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(spec_of(), tmp_path)
    told = str(caught.value)
    assert told.startswith(f"stylegan-t-pp@1: model is './gan', but {message.format(gan=tmp_path / 'gan')}")
    assert "\n" not in told and told.endswith(".") and not told.endswith("..")


def test_documented_script_exports_as_the_toy_does() -> None:
    from toyzoo.untrained import stylegan_t

    body = inspect.getsource(stylegan_t.export).partition("-> None:\n")[2]
    page = (DOCS / "systems.md").read_text(encoding="utf-8")
    assert inspect.cleandoc(body) in inspect.cleandoc(page.partition("```python\n")[2].partition("```")[0])
