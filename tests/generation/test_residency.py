"""Which models stay in memory, told by their sizes and by what was used last."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.backends import (
    BackendError,
    OutOfDeviceMemory,
    PermanentBackendError,
    RenderedImage,
    TransientBackendError,
)
from generation.residency import Residency
from generation.systems import SystemSpec
from tests.factories import make_system_spec

ROOM = 100  # on the device


class Device:
    """Memory that models take and leave."""

    def __init__(self) -> None:
        self.held: WeakKeyDictionary[Model, int] = WeakKeyDictionary()

    def used(self) -> int:
        return sum(self.held.values())


class Model:
    """A backend of a size, on a device with room for ROOM bytes."""

    largest_batch: int | None = None
    most_bytes: int | None = None

    def __init__(self, device: Device, size_bytes: int) -> None:
        self.device, self.size_bytes = device, size_bytes
        self.prepared: list[str] = []

    @property
    def on_device(self) -> bool:
        return self in self.device.held

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        raise NotImplementedError

    def prepare(self, spec: SystemSpec) -> None:
        if not self.on_device and self.device.used() + self.size_bytes > ROOM:
            raise OutOfDeviceMemory("full")
        self.device.held[self] = self.size_bytes
        self.prepared.append(spec.slug)

    def to_host(self) -> None:
        del self.device.held[self]

    def render(self, prompts: Any, seeds: Any) -> list[RenderedImage]:
        return []


class Shelf:
    """Loads models of the sizes that their names say, and remembers which."""

    def __init__(self) -> None:
        self.device = Device()
        self.loaded: list[str] = []

    def __call__(self, spec: SystemSpec, data_dir: Path) -> Model:
        self.loaded.append(spec.name)
        return Model(self.device, int(spec.name.rpartition("-")[2]))


def spec_of(name: str, steps: int = 4) -> SystemSpec:
    return make_system_spec(name, steps)


def residency_of(shelf: Shelf, limit_bytes: int = 1000) -> Residency:
    return Residency(Path("unused"), limit_bytes, load=shelf)


@pytest.mark.parametrize("kind", [PermanentBackendError, TransientBackendError])
def test_a_model_that_cannot_be_loaded_is_read_once_a_message(kind: type[BackendError]) -> None:
    tries: list[str] = []

    def fail(spec: SystemSpec, data_dir: Path) -> Model:
        tries.append(spec.slug)
        raise kind("alpha@4: the hub is out of reach.")

    residency = Residency(Path("unused"), 1000, load=fail)
    for _ in range(3):
        with pytest.raises(kind):
            residency.backend(spec_of("alpha"))
    assert tries == ["alpha@4"]
    residency.forget_failures()
    with pytest.raises(kind):
        residency.backend(spec_of("alpha"))
    assert tries == ["alpha@4"] * 2


def test_step_counts_of_one_model_share_it() -> None:
    shelf = Shelf()
    residency = residency_of(shelf)
    models = [residency.backend(spec_of("a-60", steps)) for steps in (1, 2, 4, 1)]
    assert shelf.loaded == ["a-60"]
    assert all(model is models[0] for model in models)
    assert models[0].prepared == ["a-60@1", "a-60@2", "a-60@4", "a-60@1"]  # type: ignore[attr-defined]


def test_models_take_turns_on_the_device_and_are_read_once() -> None:
    shelf = Shelf()
    residency = residency_of(shelf)
    for name in ["a-60", "b-60", "a-60", "b-60"]:
        model = residency.backend(spec_of(name))
        assert model.on_device
        assert shelf.device.used() == 60
    assert shelf.loaded == ["a-60", "b-60"]


def test_the_least_recently_used_leaves_the_device_first_and_no_more_than_needed() -> None:
    shelf = Shelf()
    residency = residency_of(shelf)
    first, second, third = [residency.backend(spec_of(name)) for name in ("a-30", "b-30", "c-30")]
    residency.backend(spec_of("a-30"))
    residency.backend(spec_of("d-40"))
    assert [first.on_device, second.on_device, third.on_device] == [True, False, True]


def test_beyond_the_hosts_share_the_least_recently_used_is_forgotten() -> None:
    shelf = Shelf()
    residency = residency_of(shelf, limit_bytes=100)
    for name in ["a-40", "b-40", "a-40", "c-40", "a-40", "b-40"]:
        residency.backend(spec_of(name))
    assert shelf.loaded == ["a-40", "b-40", "c-40", "b-40"]


def test_a_model_larger_than_the_share_is_held_alone() -> None:
    shelf = Shelf()
    residency = residency_of(shelf, limit_bytes=50)
    residency.backend(spec_of("a-10"))
    residency.backend(spec_of("b-90"))
    residency.backend(spec_of("b-90"))
    assert shelf.loaded == ["a-10", "b-90"]
    assert residency.latest == spec_of("b-90").weights_key


def test_a_model_larger_than_the_device_says_so() -> None:
    residency = residency_of(Shelf())
    residency.backend(spec_of("a-60"))
    with pytest.raises(OutOfDeviceMemory, match="full"):
        residency.backend(spec_of("b-160"))


def test_a_failed_load_is_remembered_until_it_is_forgotten() -> None:
    tried: list[str] = []

    def refuse(spec: SystemSpec, data_dir: Path) -> Model:
        tried.append(spec.slug)
        raise PermanentBackendError("no such folder")

    residency = Residency(Path("unused"), 1000, load=refuse)
    for _ in range(3):
        with pytest.raises(PermanentBackendError, match="no such folder"):
            residency.backend(spec_of("a-1"))
    assert tried == ["a-1@4"]
    residency.forget_failures()
    with pytest.raises(PermanentBackendError):
        residency.backend(spec_of("a-1"))
    assert len(tried) == 2


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 4)), max_size=12), st.integers(0, 300))
def test_whatever_is_asked_for_is_ready_and_the_shares_are_kept(asked: list[tuple[str, int]], limit: int) -> None:
    shelf = Shelf()
    residency = residency_of(shelf, limit)
    sizes = {"a": 10, "b": 25, "c": 40, "d": 60, "e": 80, "f": 100}
    for letter, steps in asked:
        name = f"{letter}-{sizes[letter]}"
        model = residency.backend(spec_of(name, steps))
        assert model.on_device
        assert model.size_bytes == sizes[letter]
        assert residency.latest == spec_of(name, steps).weights_key
        held = sum(kept.size_bytes for kept in residency._models.values())
        assert held <= max(limit, model.size_bytes)
        del model  # else what the next step forgets would still take its memory
