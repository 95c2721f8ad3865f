"""Train a toy system, or the autoencoder that several share: python -m toyzoo.train NAME."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from toyzoo.training import data, latents, t5, text, tokens
from toyzoo.training.adversarial import AdversarialTraining
from toyzoo.training.autoencoder import AutoencoderTraining
from toyzoo.training.cascade import FirstStageTraining
from toyzoo.training.consistency import ConsistencyTraining
from toyzoo.training.enlarging import SecondStageTraining
from toyzoo.training.muse import Coded, MuseTraining
from toyzoo.training.run import Training, run
from toyzoo.training.stylegan_t import StyleGanTTraining
from toyzoo.training.teacher import Captioned, Teacher, TeacherTraining
from toyzoo.training.tokens import TokensTraining

WORK = Path("var/toyzoo")
WEIGHTS = Path(__file__).with_name("weights")
_PUBLISHED = {"autoencoder": "toy-sdxl/vae", "tokens": "toy-openmuse/vqvae"}  # what is part of a system


def find_trained(work: Path, name: str) -> Path:
    """What another training has made here, else what is published."""
    folders = [work / name, WEIGHTS / _PUBLISHED.get(name, name)]
    for folder in folders:
        if folder.is_dir():
            return folder
    raise SystemExit(f"{name} comes first, and is neither in {folders[0]} nor in {folders[1]}: train {name}.")


def _autoencoder(work: Path) -> Training:
    return AutoencoderTraining(data.load_pictures(work))


def _teacher(work: Path) -> Training:
    tokenizers = text.make_tokenizers()
    autoencoder = latents.load_autoencoder(find_trained(work, "autoencoder"))
    return TeacherTraining(_captioned(work, tokenizers, autoencoder), tokenizers, autoencoder)


def _stylegan_t(work: Path) -> Training:
    return StyleGanTTraining(*_teacher_with_data(work))


def _consistency(work: Path) -> Training:
    return ConsistencyTraining(*_teacher_with_data(work))


def _adversarial(work: Path) -> Training:
    return AdversarialTraining(*_teacher_with_data(work))


def _tokens(work: Path) -> Training:
    return TokensTraining(data.load_pictures(work), latents.load_autoencoder(find_trained(work, "autoencoder")))


def _muse(work: Path) -> Training:
    pictures = data.load_pictures(work)
    vqvae = tokens.load_vqvae(find_trained(work, "tokens"))
    tokenizer, encoder = text.load_second(find_trained(work, "toy-sdxl"))
    codes = tokens.load_codes(work, pictures, vqvae)
    (ids,) = text.tokenize([tokenizer], pictures.captions)
    return MuseTraining(Coded(codes, ids), tokenizer, encoder, vqvae)


def _teacher_with_data(work: Path) -> tuple[Captioned, Teacher]:
    teacher = Teacher.load(find_trained(work, "toy-sdxl"))
    return _captioned(work, teacher.tokenizers, teacher.autoencoder), teacher


def _captioned(work: Path, tokenizers: text.Tokenizers, autoencoder: object) -> Captioned:
    pictures = data.load_pictures(work)
    encoded = latents.load_latents(work, pictures, autoencoder)
    return Captioned(encoded, text.tokenize(tokenizers, pictures.captions))


def _first_stage(work: Path) -> Training:
    return FirstStageTraining(data.load_pictures(work), t5.make_tokenizer())


def _second_stage(work: Path) -> Training:
    encoder = t5.load_encoder(find_trained(work, "toy-if-xl-1") / "text_encoder")
    return SecondStageTraining(data.load_pictures(work), t5.make_tokenizer(), encoder)


METHODS: dict[str, Callable[[Path], Training]] = {
    "autoencoder": _autoencoder,
    "toy-sdxl": _teacher,
    "toy-lcm-xl": _consistency,
    "toy-sdxl-turbo": _adversarial,
    "toy-stylegan-t": _stylegan_t,
    "toy-if-xl-1": _first_stage,
    "toy-if-xl-2": _second_stage,
    "tokens": _tokens,
    "toy-openmuse": _muse,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=METHODS)
    parser.add_argument("--work", type=Path, default=WORK, metavar="FOLDER", help=f"default: {WORK}")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    training = METHODS[options.name](options.work)
    run(training, options.work, options.name)
    export(training, options.work / options.name)
    return 0


def export(training: Training, folder: Path) -> None:
    """Whole or not at all, in the place of an earlier result."""
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    training.export(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


if __name__ == "__main__":
    sys.exit(main())
