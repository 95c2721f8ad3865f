"""toy-sdxl, the teacher: a latent diffusion model of SDXL's classes, and the two text encoders that learn with it.

Ho et al., Denoising Diffusion Probabilistic Models, 2020, eq. 4 for the noising; Salimans and Ho, Progressive
Distillation, 2022, app. D for the velocity v = alpha eps - sigma x that is predicted; Lin et al., Common Diffusion
Noise Schedules and Sample Steps are Flawed, 2023, alg. 1, for noise without a rest of picture at the last step; Ho and
Salimans, Classifier-Free Diffusion Guidance, 2021, alg. 1, for leaving the caption out of every tenth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from PIL import Image as PillowImage

from toyzoo.domain.scenes import SIDE
from toyzoo.layout import DIFFUSERS_VERSION, write_half_model, write_json
from toyzoo.training import text
from toyzoo.training.autoencoder import CONFIG as AUTOENCODER
from toyzoo.training.data import draws
from toyzoo.training.run import Average, Training, clip_gradients

UNET: dict[str, Any] = {
    "sample_size": SIDE // 8,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [48, 96],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "transformer_layers_per_block": [1, 1],
    "norm_num_groups": 8,
    "attention_head_dim": [3, 3],
    "cross_attention_dim": sum(text.WIDTHS),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": text.WIDTHS[1] + 6 * 8,
}
NOISE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
SIZES = (SIDE, SIDE, 0, 0, SIDE, SIDE)  # original, corner and target, as SDXL's pipeline tells its UNet
SAMPLES = (
    "a red ball",
    "a black moon",
    "a large striped green star on a white background",
    "a large dotted purple heart on a checkered sand background",
    "three yellow crosses",
    "two blue cones and three pink balls",
    "a red block to the left of a blue ring",
    "a green cone above an orange ball",
    "a yellow star inside a purple ring",
    "a large striped red ball and a large dotted blue block",
    "a pink heart, a black cross and two orange moons, on a lined mint background",
    "a large dotted orange block below a small green heart, on a checkered sky background",
)
_SEED = 23
_BATCH = 32
_WITHOUT_CAPTION = 0.1


@dataclass(frozen=True)
class Captioned:
    """Latents of shape (n, 4, 16, 16), and each one's caption as the two tokenizers number it."""

    latents: torch.Tensor
    tokens: list[torch.Tensor]

    def draw(self, seed: int, n: int, size: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
        chosen = torch.from_numpy(draws(seed, n).integers(len(self.latents), size=size))
        latents = self.latents[chosen].float().contiguous(memory_format=torch.channels_last)
        return latents, [ids[chosen] for ids in self.tokens]


@dataclass(frozen=True)
class Teacher:
    """toy-sdxl, trained and frozen, for those that learn from it."""

    unet: Any
    encoders: Sequence[Any]
    tokenizers: text.Tokenizers
    autoencoder: Any

    @classmethod
    def load(cls, folder: Path) -> Teacher:
        pipeline = StableDiffusionXLPipeline.from_pretrained(
            str(folder), dtype=torch.float32, use_safetensors=True, add_watermarker=False
        )
        for part in (pipeline.unet, pipeline.text_encoder, pipeline.text_encoder_2, pipeline.vae):
            part.eval().requires_grad_(requires_grad=False)
        unet = pipeline.unet.to(memory_format=torch.channels_last)
        encoders = [pipeline.text_encoder, pipeline.text_encoder_2]
        return cls(unet, encoders, (pipeline.tokenizer, pipeline.tokenizer_2), pipeline.vae)


class TeacherTraining(Training):
    steps = 6_000
    learning_rate = 1e-3

    def __init__(self, data: Captioned, tokenizers: Any, autoencoder: Any) -> None:
        torch.manual_seed(_SEED)
        self._data, self._tokenizers, self._autoencoder = data, tokenizers, autoencoder
        self._unet = UNet2DConditionModel(**UNET).to(memory_format=torch.channels_last)
        self._encoders = text.make_encoders(len(tokenizers[0]))
        self._model = torch.nn.ModuleList([self._unet, *self._encoders])
        self._average = Average(self._model)
        self._noise = DDPMScheduler(**NOISE)
        self._optimizer = torch.optim.AdamW(self._model.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def parts(self) -> Mapping[str, Any]:
        return {"model": self._model, "average": self._average, "optimizer": self._optimizer}

    def step(self, n: int) -> Mapping[str, float]:
        torch.manual_seed(n)
        x, tokens = self._data.draw(_SEED, n, _BATCH)
        states, embeds = text.encode(self._encoders, tokens)
        said = (torch.rand(len(x)) >= _WITHOUT_CAPTION).float()
        noise = torch.randn(x.shape)
        times = torch.randint(1000, (len(x),))
        noisy = self._noise.add_noise(x, noise, times)
        made = velocity(self._unet, noisy, times, states * said[:, None, None], embeds * said[:, None])
        loss = (made - self._noise.get_velocity(x, noise, times)).square().mean()
        self.set_rate(self._optimizer, n)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_gradients(self._model.parameters())
        self._optimizer.step()
        self._average.follow(self._model, n)
        return {"loss": float(loss.detach())}

    def sample(self) -> PillowImage.Image:
        return sample_sheet(self._pipeline(), num_inference_steps=25, guidance_scale=4.0)

    def export(self, folder: Path) -> None:
        unet, *encoders = self._average.module
        write_pipeline(folder, EulerDiscreteScheduler(**NOISE))
        for suffix, encoder in zip(("", "_2"), encoders, strict=True):
            text.write_encoder(folder / f"text_encoder{suffix}", encoder)
        write_half_model(folder / "unet", unet, UNET)
        factor = {"scaling_factor": self._autoencoder.config.scaling_factor}
        write_half_model(folder / "vae", self._autoencoder, AUTOENCODER | factor)

    def _pipeline(self) -> Any:
        unet, *encoders = self._average.module
        return make_pipeline(self._autoencoder, encoders, self._tokenizers, unet, EulerDiscreteScheduler(**NOISE))


def velocity(
    unet: Any, noisy: torch.Tensor, times: torch.Tensor, states: torch.Tensor, embeds: torch.Tensor, **options: Any
) -> torch.Tensor:
    """The UNet's answer, with the sizes that SDXL's pipeline would tell it."""
    added = {"text_embeds": embeds, "time_ids": torch.tensor([SIZES]).float().expand(len(noisy), 6)}
    made: torch.Tensor = unet(noisy, times, states, added_cond_kwargs=added, **options).sample
    return made


def make_pipeline(autoencoder: Any, encoders: Any, tokenizers: Any, unet: Any, scheduler: Any) -> Any:
    pipeline = StableDiffusionXLPipeline(
        vae=autoencoder,
        text_encoder=encoders[0],
        text_encoder_2=encoders[1],
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=unet,
        scheduler=scheduler,
        add_watermarker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def sample_sheet(pipeline: Any, **arguments: Any) -> PillowImage.Image:
    """Four pictures in a row of each sample caption's, with fixed seeds."""
    generators = [torch.Generator().manual_seed(k) for k in range(len(SAMPLES))]
    pictures = pipeline(prompt=list(SAMPLES), generator=generators, **arguments).images
    made = PillowImage.new("RGB", (4 * SIDE, len(SAMPLES) // 4 * SIDE))
    for number, picture in enumerate(pictures):
        made.paste(picture, (number % 4 * SIDE, number // 4 * SIDE))
    return made


def write_pipeline(folder: Path, scheduler: Any) -> None:
    """What stands beside the weights in a repository of SDXL's kind."""
    name = type(scheduler).__name__
    index = {
        "_class_name": "StableDiffusionXLPipeline",
        "_diffusers_version": DIFFUSERS_VERSION,
        "force_zeros_for_empty_prompt": True,
        "scheduler": ["diffusers", name],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    write_json(folder / "model_index.json", index)
    header = {"_class_name": name, "_diffusers_version": DIFFUSERS_VERSION}
    write_json(folder / "scheduler" / "scheduler_config.json", header | NOISE)
    for suffix, pad in zip(("", "_2"), text.PADS, strict=True):
        text.write_tokenizer(folder / f"tokenizer{suffix}", pad)
