"""Loading a pipeline as a system's spec has it: variants, scheduler, LoRA, and one sentence for what fails."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from socket import gaierror
from typing import Any

import diffusers
import torch
from huggingface_hub import errors, is_offline_mode

from generation.backends import BackendError, PermanentBackendError, TransientBackendError, completeness
from generation.backends.checkpoints import check_pipeline, check_weights, locate, locate_lora, value_of, weights_of
from generation.backends.pipelines import find_class, first_line, modules_of, suggest
from generation.systems import SystemSpec

# What transformers puts in the place of a class whose packages are missing, as diffusers quotes it.
_PLACEHOLDER = re.compile(r"'(transformers\.[\w.]+)\._LazyModule\.[^']*Placeholder'")
_UNREACHABLE = (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, ConnectionError, TimeoutError, gaierror)


def load_pipeline(
    spec: SystemSpec, pipeline_class: Any, data_dir: Path, *, key: str = "model", components: Mapping[str, Any]
) -> Any:
    """The pipeline of the spec's `key`, with some components given, or None where they are not needed.

    Only `model` has the spec's revision, and it must have its variant; other checkpoints give their
    plain weights where they lack that variant.
    """
    location = locate(spec, key, data_dir)
    is_model = key == "model"
    variants = [spec.variant] if is_model else variants_of(spec, location, "unet")
    if isinstance(location, Path):
        check_pipeline(spec, key, location, variants[0], given=components)
    options = dict(components)
    if "add_watermarker" in inspect.signature(pipeline_class.__init__).parameters:
        options["add_watermarker"] = False  # else SDXL marks its pixels wherever the library is installed
    if is_model and isinstance(location, str) and spec.revision is not None:
        options["revision"] = spec.revision
    if "vqgan" in inspect.signature(pipeline_class.__init__).parameters:
        # Stable Cascade's repository names this module, which diffusers has moved and no longer finds.
        diffusers.pipelines.wuerstchen = import_module("diffusers.pipelines.deprecated.wuerstchen")
    pipeline = load_first(spec, key, location, variants, partial(pipeline_class.from_pretrained, **options))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def load_swapped(spec: SystemSpec, pipeline_class: Any, data_dir: Path) -> dict[str, Any]:
    """The UNet and the VAE that the spec puts in place of the model's own."""
    accepted = inspect.signature(pipeline_class.__init__).parameters
    swapped = {}
    for key in ("unet", "vae"):
        if (value := getattr(spec, key)) is None:
            continue
        if key not in accepted:
            raise PermanentBackendError(
                f"{spec.slug}: {key} is {value!r}, but {spec.pipeline} has no {key} to replace."
            )
        location = locate(spec, key, data_dir)
        variants = variants_of(spec, location)
        if isinstance(location, Path):
            check_weights(spec, key, location, variants[0])
        swapped[key] = load_first(spec, key, location, variants, diffusers.AutoModel.from_pretrained)
    return swapped


def variants_of(spec: SystemSpec, location: str | Path, subfolder: str = "") -> list[str | None]:
    """The variants to try, in order, for a checkpoint that may lack the system's."""
    if isinstance(location, Path):
        return [spec.variant if weights_of(location / subfolder, spec.variant) else None]
    return list(dict.fromkeys([spec.variant, None]))


def load_first(spec: SystemSpec, key: str, location: str | Path, variants: Sequence[str | None], load: Any) -> Any:
    """What `load` makes of the location with the first variant that is there."""
    for variant in variants:
        try:
            with completeness.nothing_drawn():
                loaded = load(str(location), dtype=getattr(torch, spec.dtype), variant=variant, use_safetensors=True)
            completeness.check_filled([loaded] if isinstance(loaded, torch.nn.Module) else modules_of(loaded))
        except MemoryError:
            raise
        except Exception as error:  # a damaged file can be anything to the library that reads it
            failure = _unloadable(spec, key, location, error)
            failure.__cause__ = error
        else:
            return loaded
    raise failure


def find_lora(spec: SystemSpec, pipeline_class: Any, data_dir: Path) -> tuple[str | Path, str] | None:
    """Where the spec's LoRA is and the name of its file; what is wrong with it is said before a model is loaded."""
    if spec.lora is None:
        return None
    problem = None
    if not hasattr(pipeline_class, "load_lora_weights"):
        problem = f"{spec.pipeline} takes no LoRA; leave it out"
    elif find_spec("peft") is None:
        problem = "the package peft, which loads it, is not installed; install requirements.txt"
    if problem is not None:
        raise PermanentBackendError(f"{spec.slug}: lora is {spec.lora!r}, but {problem}.")
    return locate_lora(spec, data_dir)


def fuse_lora(spec: SystemSpec, pipeline: Any, location: str | Path, name: str) -> None:
    """Add a LoRA to the weights, as the cards of distilled LoRAs do: a forward then costs no more."""
    try:
        pipeline.load_lora_weights(str(location), weight_name=name, use_safetensors=True)
        if not pipeline.get_list_adapters():
            raise ValueError("none of its weights belongs to a part of the model")
        pipeline.fuse_lora(safe_fusing=True)
    except (OSError, ValueError, RuntimeError, KeyError, errors.EntryNotFoundError) as error:
        raise _unloadable(spec, "lora", location, error) from error
    pipeline.unload_lora_weights()


def use_scheduler(spec: SystemSpec, pipeline: Any, released: Any) -> None:
    """Give the pipeline the scheduler that the spec names, else the one that was released with it.

    What the spec does not say of its scheduler is taken from the released one's configuration.
    """
    scheduler = released
    if spec.scheduler:
        options = dict(spec.scheduler)
        scheduler_class = find_class(spec, "scheduler.class", str(options.pop("class")), diffusers.SchedulerMixin)
        accepted = inspect.signature(scheduler_class.__init__).parameters
        for name in options:
            if name not in accepted:
                raise PermanentBackendError(
                    f"{spec.slug}: {scheduler_class.__name__} takes no option {name!r}{suggest(name, accepted)}"
                )
        scheduler = scheduler_class.from_config(released.config, **options)
    _replace_scheduler(pipeline, scheduler)
    most = scheduler.config.get("original_inference_steps")
    most = spec.arguments.get("original_inference_steps", most)
    if most is not None and spec.steps > int(most):
        name = type(scheduler).__name__
        raise PermanentBackendError(
            f"{spec.slug}: steps is {spec.steps}, but the checkpoint's {name} was distilled over {most} steps "
            f"and takes no more."
        )


def _replace_scheduler(pipeline: Any, scheduler: Any) -> None:
    """A combined pipeline's parts hold the scheduler too, and would go on with the old one."""
    old = pipeline.scheduler
    parts = [part for part in vars(pipeline).values() if isinstance(part, diffusers.DiffusionPipeline)]
    for owner in (pipeline, *parts):
        if getattr(owner, "scheduler", None) is old:
            owner.scheduler = scheduler


def _unloadable(spec: SystemSpec, key: str, location: str | Path, error: Exception) -> BackendError:
    """One sentence. Libraries wrap the hub's errors in others: what happened is in the types of the chain."""
    reason = f"{location} cannot be loaded: {first_line(error).partition('. ')[0].rstrip(' .')}"
    if found := _PLACEHOLDER.search(str(error)):
        reason = f"its {found[1]} needs a package that is not installed here, such as torchvision"
    elif isinstance(location, str):
        causes = list(_chain(error))
        if any(isinstance(cause, errors.RevisionNotFoundError) for cause in causes):
            key, reason = "revision", f"{location} has no such revision"
        elif key != "lora" and "variant" in str(error):
            key, reason = "variant", f"{location} has no weights of that variant; leave variant out"
        else:
            reason = next(filter(None, (_reason(location, cause) for cause in causes)), reason)
    elif key != "lora" and not isinstance(error, ImportError):
        reason += "; if the checkpoint is damaged or incomplete, copy it again"
    kind = TransientBackendError if any(map(_may_pass, _chain(error))) else PermanentBackendError
    return kind(f"{spec.slug}: {key} is {value_of(spec, key)!r}, but {reason}.")


def _may_pass(error: BaseException) -> bool:
    """The hub is busy or out of reach, which is no reason to give up on a study's images at once."""
    if isinstance(error, errors.HfHubHTTPError) and not isinstance(error, errors.EntryNotFoundError):
        return error.response.status_code == HTTPStatus.TOO_MANY_REQUESTS or error.response.is_server_error
    return isinstance(error, _UNREACHABLE) and not is_offline_mode()


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, the first of them first."""
    if (earlier := error.__cause__ or error.__context__) is not None:
        yield from _chain(earlier)
    yield error


def _reason(location: str, error: BaseException) -> str | None:
    if isinstance(error, errors.GatedRepoError):
        return f"{location} is gated: accept its licence on the hub, and set HF_TOKEN for the worker"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub shows no such repository; correct the name or, if it is private, set HF_TOKEN for the worker"
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        remedy = "correct the worker's HF_TOKEN" if status in (401, 403) else "try again later"
        return f"the hub answered {status} when asked for {location}; {remedy}"
    if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
        return f"{location} lacks a file of that name, or one that the model needs"
    if isinstance(error, _UNREACHABLE):
        return f"{location} is not in the local cache, and the hub cannot be reached; check the name and the network"
    return None
