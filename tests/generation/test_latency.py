"""The announcement's sum, worked out by hand."""

from __future__ import annotations

import pytest

from generation.latency import Breakdown, Spread, batch_sizes, surroundings, table
from generation.timing import StageTimings


def call(encode: float, forwards: tuple[float, ...], decode: float, total: float) -> StageTimings:
    denoise = sum(forwards) + 1.0
    return StageTimings(encode_ms=encode, forward_ms=forwards, denoise_ms=denoise, decode_ms=decode, total_ms=total)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([4.0], (4.0, 4.0, 4.0)),
        ([1.0, 3.0], (2.0, 1.5, 2.5)),
        ([5.0, 1.0, 2.0, 4.0, 3.0], (3.0, 2.0, 4.0)),
    ],
)
def test_spread(values: list[float], expected: tuple[float, float, float]) -> None:
    assert Spread.of(values) == Spread(*expected)


def test_one_step_is_encoding_one_forward_and_decoding() -> None:
    breakdown = Breakdown.of([call(10.0, (60.0, 67.0, 90.0), 130.0, 500.0)])
    assert breakdown.forward == Spread.of([67.0])
    assert breakdown.one_step == Spread.of([10.0 + 67.0 + 130.0])
    assert (breakdown.denoise, breakdown.call) == (Spread.of([218.0]), Spread.of([500.0]))


def test_sums_are_made_call_by_call() -> None:
    calls = [call(1.0, (10.0,), 5.0, 20.0), call(2.0, (4.0,), 9.0, 30.0), call(9.0, (7.0,), 1.0, 40.0)]
    breakdown = Breakdown.of(calls)
    assert breakdown.one_step == Spread.of([16.0, 15.0, 17.0])
    assert (breakdown.encode, breakdown.forward, breakdown.decode) == (
        Spread(2.0, 1.5, 5.5), Spread(7.0, 5.5, 8.5), Spread(5.0, 3.0, 7.0),
    )  # fmt: skip


def test_stages_that_a_system_does_not_tell_are_unknown() -> None:
    breakdown = Breakdown.of([call(0.0, (), 0.0, 800.0)])
    assert breakdown.cells() == ["unknown"] * 5 + ["800.0 (800.0 to 800.0)"]


@pytest.mark.parametrize(
    ("asked", "largest", "expected"),
    [([1, 4], None, [1, 4]), ([1, 4, 8], 4, [1, 4]), ([4, 1], 1, [1]), ([2, 2], None, [2])],
)
def test_batch_sizes(asked: list[int], largest: int | None, expected: list[int]) -> None:
    assert batch_sizes(asked, largest) == expected


def test_table() -> None:
    rows: dict[int, Breakdown | str] = {1: Breakdown.of([call(1.0, (2.0,), 4.0, 12.5)]), 16: "it did not fit."}
    headings, numbers, failure = table(rows).splitlines()
    assert headings.split() == [
        "batch", "encode", "+", "one", "forward", "+", "decode", "=", "total", "all", "forwards", "whole", "call",
    ]  # fmt: skip
    assert [cell.strip() for cell in numbers.split("  ") if cell.strip()] == [
        "1", "1.0 (1.0 to 1.0)", "2.0 (2.0 to 2.0)", "4.0 (4.0 to 4.0)", "7.0 (7.0 to 7.0)", "3.0 (3.0 to 3.0)",
        "12.5 (12.5 to 12.5)",
    ]  # fmt: skip
    assert len(headings) == len(numbers)
    assert failure == "   16  it did not fit."


def test_surroundings_leave_out_what_is_unknown() -> None:
    environment = {"device": "cpu", "dtype": "float32", "threads": 1, "torch": "2.9", "cuda": None}
    assert surroundings(environment) == "cpu, float32, 1 thread(s), torch 2.9"
