"""The announcement's sum, of calls that were measured: encoding, one forward and decoding; with its spread."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.timing import StageTimings

HEADINGS = ("batch", "encode", "+ one forward", "+ decode", "= total", "all forwards", "whole call")
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Spread:
    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Quartiles are interpolated between the values; of one value they are that value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, lower, upper)

    def __str__(self) -> str:
        return f"{self.median:.1f} ({self.lower:.1f} to {self.upper:.1f})"


@dataclass(frozen=True)
class Breakdown:
    """Milliseconds of calls of one batch size. The stages are None where a system does not tell them.

    A call's forward is the median of its forwards, and its `one_step` is encoding, one such forward and
    decoding. Each field has the spread over the calls, so the medians need not add up exactly.
    """

    encode: Spread | None
    forward: Spread | None
    decode: Spread | None
    one_step: Spread | None
    denoise: Spread | None
    call: Spread

    @classmethod
    def of(cls, calls: Sequence[StageTimings]) -> Breakdown:
        call = Spread.of([timings.total_ms for timings in calls])
        if not all(timings.forward_ms for timings in calls):
            return cls(None, None, None, None, None, call)
        forwards = [statistics.median(timings.forward_ms) for timings in calls]
        pairs = list(zip(calls, forwards, strict=True))
        return cls(
            encode=Spread.of([timings.encode_ms for timings in calls]),
            forward=Spread.of(forwards),
            decode=Spread.of([timings.decode_ms for timings in calls]),
            one_step=Spread.of([timings.encode_ms + forward + timings.decode_ms for timings, forward in pairs]),
            denoise=Spread.of([timings.denoise_ms for timings in calls]),
            call=call,
        )

    def cells(self) -> list[str]:
        stages = (self.encode, self.forward, self.decode, self.one_step, self.denoise)
        return [*(str(stage) if stage else _UNKNOWN for stage in stages), str(self.call)]


def batch_sizes(asked: Sequence[int], largest: int | None) -> list[int]:
    """Those asked for, in order and once each; none larger than the system makes in a call."""
    return list(dict.fromkeys(min(size, largest or size) for size in asked))


def table(rows: Mapping[int, Breakdown | str]) -> str:
    """A line for each batch size, in columns; one that could not be measured says why."""
    measured = {size: [str(size), *row.cells()] for size, row in rows.items() if isinstance(row, Breakdown)}
    columns = zip(HEADINGS, *measured.values(), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = [_line(HEADINGS, widths)]
    for size, row in rows.items():
        lines.append(_line(measured[size], widths) if size in measured else f"{size:>{widths[0]}}  {row}")
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def surroundings(environment: Mapping[str, Any]) -> str:
    """Device, dtype, threads and versions in one line, as far as they are known."""
    parts = [str(environment["device"])] if environment.get("device") else []
    parts += [str(environment["dtype"])] if environment.get("dtype") else []
    parts += [f"{environment['threads']} thread(s)"] if environment.get("threads") else []
    names = ("python", "torch", "diffusers", "transformers", "cuda", "driver")
    return ", ".join(parts + [f"{name} {environment[name]}" for name in names if environment.get(name)])
