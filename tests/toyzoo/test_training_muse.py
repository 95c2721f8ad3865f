"""The picture tokenizer and toy-openmuse: a few steps of each, and a picture of what they leave behind."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

PICTURES = 8


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    from toyzoo.training import autoencoder, muse, tokens

    monkeypatch.setattr(autoencoder, "_CROPS", 2)
    monkeypatch.setattr(autoencoder, "_WHOLE", 1)
    monkeypatch.setattr(muse, "_BATCH", 4)
    monkeypatch.setattr(tokens, "_FIRST_PICTURES", 2)


@pytest.fixture(scope="module")
def pictures() -> Any:
    from toyzoo.domain.captions import say
    from toyzoo.domain.drawing import draw
    from toyzoo.domain.scenes import picture
    from toyzoo.domain.wishes import draw_training_wish
    from toyzoo.training.data import Pictures

    rng = random.Random(3)
    wishes = [draw_training_wish(rng) for _ in range(PICTURES)]
    return Pictures(np.stack([draw(picture(wish, rng)) for wish in wishes]), [say(wish) for wish in wishes], "test")


@pytest.fixture(scope="module")
def autoencoder() -> Any:
    from diffusers import AutoencoderKL

    from toyzoo.training.autoencoder import CONFIG

    torch.manual_seed(0)
    return AutoencoderKL(**CONFIG, scaling_factor=0.4).eval()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The part of an untrained teacher's folder that toy-openmuse takes its text encoder from."""
    from toyzoo.training import text

    folder = tmp_path_factory.mktemp("work")
    tokenizers = text.make_tokenizers()
    torch.manual_seed(0)
    _, second = text.make_encoders(len(tokenizers[0]))
    text.write_tokenizer(folder / "toy-sdxl" / "tokenizer_2", text.PADS[1])
    text.write_encoder(folder / "toy-sdxl" / "text_encoder_2", second)
    return folder


@pytest.fixture
def make_tokens(pictures: Any, autoencoder: Any) -> Any:
    from toyzoo.training.tokens import TokensTraining

    return lambda: TokensTraining(pictures, autoencoder)


@pytest.fixture
def make_muse(pictures: Any, autoencoder: Any, work: Path) -> Any:
    from toyzoo.training import text, tokens
    from toyzoo.training.muse import Coded, MuseTraining

    if not (work / "tokens").exists():
        tokens.TokensTraining(pictures, autoencoder).export(work / "tokens")
    vqvae = tokens.load_vqvae(work / "tokens")
    tokenizer, encoder = text.load_second(work / "toy-sdxl")
    codes = tokens.load_codes(work, pictures, vqvae)
    (ids,) = text.tokenize([tokenizer], pictures.captions)
    return lambda: MuseTraining(Coded(codes, ids), tokenizer, encoder, vqvae)


@pytest.mark.parametrize("method", ["make_tokens", "make_muse"])
def test_resuming_gives_the_weights_of_running_through(
    method: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    make = request.getfixturevalue(method)
    through, begun, resumed = make(), make(), make()
    for training in (through, begun, resumed):
        training.steps = 4  # so that the tokenizer has crops and whole pictures
    for n in range(4):
        assert all(math.isfinite(value) for value in through.step(n).values())
    for n in range(2):
        begun.step(n)
    torch.save({key: part.state_dict() for key, part in begun.parts().items()}, tmp_path / "state.pt")
    for key, state in torch.load(tmp_path / "state.pt", weights_only=True).items():
        resumed.parts()[key].load_state_dict(state)
    for n in range(2, 4):
        resumed.step(n)
    for key, part in through.parts().items():
        if key != "optimizer":
            for name, weight in part.state_dict().items():
                assert torch.equal(weight, resumed.parts()[key].state_dict()[name]), (key, name)


def test_the_tokenizer_begins_as_the_autoencoder_that_it_comes_from(autoencoder: Any) -> None:
    """But for the outermost pixels, which the first convolution sees beside grey in the one, beside black here."""
    from toyzoo.training.tokens import from_autoencoder

    x, state = torch.rand(1, 3, 128, 128) * 2 - 1, torch.randn(1, 64, 16, 16)
    model, inside = from_autoencoder(autoencoder), (..., slice(1, -1), slice(1, -1))
    with torch.no_grad():
        seen, wanted_seen = model.encoder.conv_in((x + 1) / 2), autoencoder.encoder.conv_in(x)
        latents = model.quant_conv(model.encoder.conv_out(state))
        mean, _ = autoencoder.quant_conv(autoencoder.encoder.conv_out(state)).chunk(2, dim=1)
        made = model.decoder(model.post_quant_conv(latents))
        wanted = (autoencoder.decode(mean).sample + 1) / 2
    assert torch.allclose(seen[inside], wanted_seen[inside], atol=1e-5)
    assert torch.allclose(latents, 0.4 * mean, atol=1e-5)
    assert torch.allclose(made, wanted, atol=1e-4)


def test_codes_follow_the_mean_of_their_latents_and_dead_ones_move_to_latents_without_one() -> None:
    from toyzoo.training.tokens import Uses

    codes = torch.tensor([[0.0], [10.0], [50.0]])
    latents = torch.tensor([[1.0], [1.0], [9.0], [20.0]])
    uses = Uses(codes)
    for _ in range(700):
        nearest = torch.cdist(latents, codes).argmin(dim=1)
        uses.follow(codes, latents, nearest, revive=True)
    assert sorted(codes[:, 0].tolist()) == pytest.approx([1.0, 9.0, 20.0], abs=0.05)
    assert uses.perplexity() == pytest.approx(2 * 2**0.5, rel=0.01)  # of shares 1/2, 1/4 and 1/4


def test_codes_are_those_of_the_pictures(pictures: Any, make_muse: Any, work: Path) -> None:
    from toyzoo.training import autoencoder, tokens

    vqvae = tokens.load_vqvae(work / "tokens")
    kept = tokens.load_codes(work, pictures, vqvae)
    assert torch.equal(kept.long(), tokens.encode(vqvae, autoencoder.as_tensor(pictures.pixels)))
    assert kept.shape == (PICTURES, 16, 16)


def test_the_share_of_masked_codes_has_the_arccosine_density() -> None:
    """Its mean is 2 / pi, and a third of the pictures have less than half of their codes masked."""
    from toyzoo.training.muse import draw_masks

    torch.manual_seed(0)
    shares = draw_masks(20_000).float().mean(dim=(1, 2))
    assert float(shares.min()) > 0
    assert float(shares.mean()) == pytest.approx(2 / math.pi, abs=0.01)
    assert float((shares < 0.5).float().mean()) == pytest.approx(1 / 3, abs=0.015)


def test_training_tells_the_transformer_what_the_pipeline_tells_it(
    make_muse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mask, text states with padding, the empty caption and the sizes: of the first step, where all is masked."""
    from toyzoo.training import muse, text

    training = make_muse()
    told: list[dict[str, Any]] = []

    def remember(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        names = ("input_ids", "encoder_hidden_states", "pooled_text_emb", "micro_conds")
        told.append(dict(zip(names, args, strict=False)) | kwargs)

    for model in (training._model, training._average.module):
        model.register_forward_pre_hook(remember, with_kwargs=True)
    monkeypatch.setattr(muse, "SAMPLES", ("a red ball",))
    training.sample()
    by_pipeline = told[0]
    (caption,) = text.tokenize([training._tokenizer], ["a red ball"])
    ids = torch.cat([training._no_caption, caption])
    training._logits(torch.full((2, 16, 16), muse.MASK), ids)
    by_training = told[-1]
    for name, value in by_training.items():
        assert torch.allclose(by_pipeline[name].float(), value.float(), atol=1e-5), name


def test_exported_folder_is_an_openmuse_of_the_ordinary_backend(make_muse: Any, work: Path) -> None:
    from generation import backends
    from generation.catalogue import resolve

    make_muse().export(work / "toy-openmuse")
    sizes = {path.parent.name: path.stat().st_size for path in (work / "toy-openmuse").rglob("*.safetensors")}
    assert sizes["vqvae"] < 2_000_000
    assert sizes["transformer"] < 5_500_000
    own = {"name": "toy-openmuse", "backend": "muse", "model": "./toy-openmuse", "dtype": "float32"}
    (spec,) = resolve(own | {"steps": 2, "width": 128, "height": 128, "guidance_scale": 3.0})
    (rendered,) = backends.create(spec, work).render(["a red ball"], [7])
    assert rendered.image.size == (128, 128)
