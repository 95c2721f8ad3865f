"""How long the stages of one pipeline call take, measured by forward hooks that change no pixel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class StageTimings:
    """Milliseconds of one pipeline call; a batch shares one call and hence its timings.

    `encode_ms` sums the text encoders' forwards, `forward_ms` has each forward of the denoisers (a
    prior's come first), `denoise_ms` runs from the first of them to the start of the decoder (so it
    holds the scheduler's own arithmetic), or to the end of a call without one, `decode_ms` is the
    image decoder, and `total_ms` is the whole call. Of a call whose stages nobody sees, only
    `total_ms` means anything.
    """

    encode_ms: float
    forward_ms: tuple[float, ...]
    denoise_ms: float
    decode_ms: float
    total_ms: float
    stages_known: bool = True

    @classmethod
    def of_whole_call(cls, total_ms: float) -> StageTimings:
        return cls(0.0, (), 0.0, 0.0, total_ms, stages_known=False)

    def as_columns(self) -> dict[str, Any]:
        """What is stored: null where nobody knows."""
        stages = {
            "encode_ms": self.encode_ms,
            "forward_ms": list(self.forward_ms),
            "denoise_ms": self.denoise_ms,
            "decode_ms": self.decode_ms,
        }
        known = stages if self.stages_known else dict.fromkeys(stages)
        return known | {"total_ms": self.total_ms}

    def __add__(self, other: StageTimings) -> StageTimings:
        """Of two calls made one after the other, without what happened between them."""
        return StageTimings(
            encode_ms=self.encode_ms + other.encode_ms,
            forward_ms=self.forward_ms + other.forward_ms,
            denoise_ms=self.denoise_ms + other.denoise_ms,
            decode_ms=self.decode_ms + other.decode_ms,
            total_ms=self.total_ms + other.total_ms,
            stages_known=self.stages_known and other.stages_known,
        )


class StageClock:
    """Times the calls that a pipeline makes to its modules inside a `with` block.

    On a GPU, `make_event` makes a CUDA event with timing. The hooks then only record events, and the
    device is synchronised once, on leaving the block: kernels stay queued as they would be without
    the clock. Without `make_event`, the processor's clock is read. A call that only encodes has no
    denoiser, and one that denoises pixels has no decoder.
    """

    def __init__(
        self,
        encoders: Iterable[Any],
        denoisers: Iterable[Any],
        decoders: Iterable[Any],
        make_event: Callable[[], Any] | None = None,
    ) -> None:
        stages = {"encode": list(encoders), "forward": list(denoisers), "decode": list(decoders)}
        self._modules = [(module, stage) for stage, modules in stages.items() for module in modules]
        self._has_denoiser, self._has_decoder = bool(stages["forward"]), bool(stages["decode"])
        self._make_event = make_event
        self._spans: dict[str, list[tuple[Any, Any]]] = {"encode": [], "forward": [], "decode": []}
        self._handles: list[Any] = []

    def __enter__(self) -> StageClock:
        for module, stage in self._modules:
            self._watch(module, stage)
        self._started = self._now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = self._now()
        for handle in self._handles:
            handle.remove()
        if self._make_event is not None and error is None:
            self._ended.synchronize()

    @property
    def timings(self) -> StageTimings:
        """Valid once the block has been left without an error."""
        forwards, decodes = self._spans["forward"], self._spans["decode"]
        denoised = decodes[0][0] if self._has_decoder else self._ended
        return StageTimings(
            encode_ms=sum(self._between(*span) for span in self._spans["encode"]),
            forward_ms=tuple(self._between(*span) for span in forwards),
            denoise_ms=self._between(forwards[0][0], denoised) if self._has_denoiser else 0.0,
            decode_ms=self._between(decodes[0][0], decodes[-1][1]) if self._has_decoder else 0.0,
            total_ms=self._between(self._started, self._ended),
        )

    def _watch(self, module: Any, stage: str) -> None:
        begun: list[Any] = []

        def before(*_: object) -> None:
            begun.append(self._now())

        def after(*_: object) -> None:
            self._spans[stage].append((begun.pop(), self._now()))

        self._handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]

    def _now(self) -> Any:
        if self._make_event is None:
            return time.perf_counter()
        event = self._make_event()
        event.record()
        return event

    def _between(self, start: Any, end: Any) -> float:
        if self._make_event is None:
            return float(end - start) * 1000.0
        return float(start.elapsed_time(end))
