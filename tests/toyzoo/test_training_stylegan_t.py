"""Training of toy-stylegan-t, on random latents with a random teacher: steps, resuming, and what is exported."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from generation import backends
from generation.catalogue import resolve
from toyzoo.domain.captions import parse, say
from toyzoo.domain.wishes import draw_training_wish, draw_wish
from toyzoo.training import stylegan_t, text
from toyzoo.training.autoencoder import CONFIG
from toyzoo.training.false_captions import FalseCaptions
from toyzoo.training.stylegan_t import StyleGanTTraining
from toyzoo.training.stylegan_t_networks import Z_DIM
from toyzoo.training.teacher import UNET, Captioned, Teacher

CAPTIONS = [say(draw_wish(random.Random(k))) for k in range(40)]
Make = Callable[[], StyleGanTTraining]


@pytest.fixture(scope="module")
def make() -> Iterator[Make]:
    """With small batches."""
    torch.manual_seed(3)
    tokenizers = text.make_tokenizers()
    data = Captioned(torch.randn(len(CAPTIONS), 4, 16, 16), text.tokenize(tokenizers, CAPTIONS))
    unet = UNet2DConditionModel(**UNET)
    teacher = Teacher(unet, text.make_encoders(len(tokenizers[0])), tokenizers, AutoencoderKL(**CONFIG))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stylegan_t, "_BATCH", 6)
        patch.setattr(stylegan_t, "_FALSE", 4)
        yield lambda: StyleGanTTraining(data, teacher)


def test_a_resumed_run_ends_where_one_without_a_break_does(make: Make, tmp_path: Path) -> None:
    through, broken, resumed = make(), make(), make()
    losses = [list(through.step(n).values()) for n in range(2)]
    assert np.isfinite(losses).all()
    broken.step(0)
    torch.save({key: part.state_dict() for key, part in broken.parts().items()}, tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    for key, part in resumed.parts().items():
        part.load_state_dict(state[key])
    resumed.step(1)
    for key in ("generator", "heads", "average"):
        pairs = zip(through.parts()[key].parameters(), resumed.parts()[key].parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def test_a_step_changes_every_trained_weight_and_no_frozen_one(make: Make) -> None:
    training = make()
    frozen = [*training.teacher.unet.parameters(), *training.teacher.encoders[1].parameters()]
    trained = [*training.parts()["generator"].parameters(), *training.parts()["heads"].parameters()]
    before = [weight.clone() for weight in (*trained, *frozen)]
    training.step(0)
    same = [torch.equal(one, other) for one, other in zip(before, (*trained, *frozen), strict=True)]
    assert not any(same[: len(trained)]) and all(same[len(trained) :])


def test_export_is_small_and_draws_in_the_backend_what_the_module_draws(make: Make, tmp_path: Path) -> None:
    training = make()
    training.export(tmp_path / "gan")
    assert (tmp_path / "gan" / "generator.pt2").stat().st_size < 4e6
    size = {"width": 128, "height": 128, "dtype": "float32"}
    (spec,) = resolve({"catalogue": "stylegan-t-pp", "model": "./gan", **size})
    backend = backends.create(spec, tmp_path)
    one, said = (backend.render([prompt], [7])[0].image for prompt in ("a red ball", "two blue cones"))
    assert one.size == (128, 128)
    assert one != said
    ids = text.tokenize(training.teacher.tokenizers, ["a red ball"])
    with torch.no_grad():
        _, embeds = text.encode(training.teacher.encoders, ids)
        z = torch.from_numpy(np.random.RandomState(7).randn(1, Z_DIM)).float()
        (picture,) = training.exported()(z, embeds, torch.tensor(1.0))
    drawn = (picture.permute(1, 2, 0).numpy() + 1) * 127.5
    assert np.abs(np.asarray(one) - drawn.clip(0, 255)).mean() < 1


def test_false_captions_say_something_else(make: Make) -> None:
    tokenizers = make().teacher.tokenizers
    tokens = text.tokenize(tokenizers, CAPTIONS)
    false = FalseCaptions(tokenizers[0]).draw(tokens, 39, np.random.default_rng(1))
    for tokenizer, ids in zip(tokenizers, false, strict=True):
        texts = [line.replace(" ,", ",") for line in tokenizer.batch_decode(ids, skip_special_tokens=True)]
        said = [line.rstrip("! ") for line in texts]
        assert said[::2] == CAPTIONS[1:40:2]
        for true, changed in zip(CAPTIONS[1:39:2], said[1::2], strict=True):
            assert parse(changed) != parse(true)
            assert 1 <= sum(one != other for one, other in zip(true.split(), changed.split(), strict=True)) <= 2


def test_every_caption_has_a_word_that_can_be_changed() -> None:
    """Also those whose only such word says where one thing lies."""
    tokenizers = text.make_tokenizers()
    rng = random.Random(3)
    captions = ["an orange ball below an orange ball", *(say(draw_training_wish(rng)) for _ in range(800))]
    tokens = text.tokenize(tokenizers, captions)
    false = FalseCaptions(tokenizers[0]).draw(tokens, len(captions) - 1, np.random.default_rng(2))
    assert (false[0][1::2] != tokens[0][1 : len(captions) - 1 : 2]).any(dim=1).all()
