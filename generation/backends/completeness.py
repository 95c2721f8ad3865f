"""Weights that a checkpoint lacks: the libraries go on without them, and one puts random numbers in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import transformers


class MissingWeights(ValueError):
    """A model was not loaded whole."""


@contextmanager
def nothing_drawn() -> Iterator[None]:
    """Inside the block a model of transformers that lacks weights is an error.

    `from_pretrained` draws them at random, and reports that to whoever asks with `output_loading_info`. Pipelines of
    diffusers load text encoders by it and do not ask, so here it is asked for all of them.
    """
    owner, original = transformers.PreTrainedModel, vars(transformers.PreTrainedModel)["from_pretrained"]

    def from_pretrained(cls: Any, *args: Any, **options: Any) -> Any:
        model, report = original.__func__(cls, *args, **options | {"output_loading_info": True})
        _refuse(model, set(report["missing_keys"]) & dict(model.named_parameters()).keys())
        return model

    owner.from_pretrained = classmethod(from_pretrained)
    try:
        yield
    finally:
        owner.from_pretrained = original


def check_filled(modules: Iterable[torch.nn.Module]) -> None:
    """Weights that were in no file of a model of diffusers are left without content, on torch's device "meta"."""
    for module in modules:
        _refuse(module, [name for name, tensor in module.named_parameters() if tensor.is_meta])


def _refuse(model: torch.nn.Module, missing: Iterable[str]) -> None:
    if names := sorted(missing):
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise MissingWeights(f"the weights of its {type(model).__name__} lack {names[0]}{others}")
