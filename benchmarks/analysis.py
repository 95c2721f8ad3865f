"""How fast the statistics of ten million votes are: python -m benchmarks.analysis

    file    a Parquet file of --votes votes on two questions, of 50 systems, 2,000 prompts and 5,000 raters with unequal
            shares: reading it all and counting votes by question, sides and outcome (Arrow; Polars and DuckDB where
            they are installed), beside `python -m analysis FILE --quiet --json OUT`, each a process of its own
    bt      Bradley-Terry ratings of a million votes, with intervals: two-way clustered here, from votes once read or
            from their file; arena-rank's, which take votes for independent, from its counts and from votes in pandas;
            evalica's ratings, which have none, from lists
    elo     1000 shuffled orders of 100,000 votes on 12 systems, beside one loop over the votes that does numpy's
            arithmetic for all orders at once, as FastChat's notebook does for its bootstrap

Times are the least of --repeat; seconds of wall clock and of processors, and the most memory that was resident. What is
compiled when it is first called is compiled before. Peers that are not installed are named and left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.elo import elo
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.vote_file import OUTCOMES

SYSTEMS, PROMPTS, RATERS, QUESTIONS = 50, 2_000, 5_000, ("alignment", "quality")
COUNTED_BY = ("question", "system_left", "system_right", "outcome")
ROOT = Path(__file__).parents[1]
READERS = {
    "Arrow": f"""
from pyarrow import parquet
names = parquet.read_schema(FILE).names
table = parquet.read_table(FILE, read_dictionary=names).unify_dictionaries()
table.group_by({list(COUNTED_BY)}).aggregate([([], "count_all")])
""",
    "Polars": f"""
import polars
polars.read_parquet(FILE).group_by({list(COUNTED_BY)}).len()
""",
    "DuckDB": f"""
import duckdb
table = duckdb.read_parquet(FILE)
table.aggregate("{", ".join(COUNTED_BY)}, count(*)").fetchall()
""",
}


@dataclass(frozen=True)
class Cost:
    what: str
    seconds: float
    cpu_seconds: float
    megabytes: float | None = None
    note: str = ""


def write_votes(path: Path, votes: int, rng: np.random.Generator) -> None:
    """A few million at a time, so that making the file takes little memory."""
    liked = rng.normal(0, 1, (PROMPTS, SYSTEMS)) + np.linspace(-1, 1, SYSTEMS)
    taste, share = rng.normal(0, 0.5, (RATERS, SYSTEMS)), rng.gamma(1, size=RATERS)
    writer = None
    for first in range(0, votes, 1_000_000):
        n = min(1_000_000, votes - first)
        prompt, rater = rng.integers(PROMPTS, size=n), rng.choice(RATERS, n, p=share / share.sum())
        left = rng.integers(SYSTEMS, size=n)
        right = (left + rng.integers(1, SYSTEMS, n)) % SYSTEMS
        logit = 0.15 + liked[prompt, left] - liked[prompt, right] + taste[rater, left] - taste[rater, right]
        outcome, drawn = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), 0, 1), rng.random(n)
        outcome = np.where(drawn < 0.15, 2, np.where(drawn < 0.2, 3, outcome))
        table = pa.table(
            {
                "question": _text(rng.integers(len(QUESTIONS), size=n), QUESTIONS),
                "prompt_id": _text(prompt, [f"prompt-{i}" for i in range(PROMPTS)]),
                "system_left": _text(left, [f"system-{i:02}" for i in range(SYSTEMS)]),
                "system_right": _text(right, [f"system-{i:02}" for i in range(SYSTEMS)]),
                "outcome": _text(outcome, OUTCOMES),
                "rater": _text(rater, [f"rater-{i}" for i in range(RATERS)]),
            }
        )
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def _text(codes: np.ndarray[tuple[int, ...], np.dtype[np.int64]], names: tuple[str, ...] | list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(names))).cast(pa.string())


def of_process(what: str, command: list[str], repeat: int) -> Cost:
    """The least wall time of some runs, with what that run took."""
    costs = []
    for _ in range(repeat):
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{what} failed: {' '.join(command)[:300]}")
        seconds = time.perf_counter() - began
        costs.append(Cost(what, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
    return min(costs, key=lambda cost: cost.seconds)


def of_call(what: str, call: Callable[[], object], repeat: int, note: str = "") -> Cost:
    costs = []
    for _ in range(repeat):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        call()
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        costs.append(Cost(what, seconds, cpu, note=note))
    return min(costs, key=lambda cost: cost.seconds)


def file_costs(folder: Path, votes: int, repeat: int) -> Iterator[Cost]:
    path = folder / "votes.parquet"
    write_votes(path, votes, np.random.default_rng(0))
    counted = None
    for reader, program in READERS.items():
        if find_spec(reader.lower().replace("arrow", "pyarrow")) is None:
            yield _absent(f"reading and counting, {reader}")
            continue
        cost = of_process(
            f"reading and counting, {reader}", [sys.executable, "-c", f"FILE = {str(path)!r}\n{program}"], repeat
        )
        counted = counted or cost
        yield cost
    command = [sys.executable, "-m", "analysis", str(path), "--quiet", "--json", str(folder / "out.json")]
    whole = of_process("python -m analysis", command, repeat + 1)
    note = f"{_ratios(whole, counted)} Arrow's reading and counting" if counted else ""
    yield Cost(whole.what, whole.seconds, whole.cpu_seconds, whole.megabytes, note)


def bradley_terry_costs(folder: Path, repeat: int) -> Iterator[Cost]:
    path = folder / "million.parquet"
    write_votes(path, 1_000_000, np.random.default_rng(1))
    read = VoteTable.from_file(path)
    bradley_terry(read)

    def afresh() -> VoteTable:
        return read.select(read.outcome >= 0)  # that remembers nothing of what was computed before

    tables = iter([afresh() for _ in range(repeat)])
    ours = of_call("Bradley-Terry, two-way clustered intervals", lambda: bradley_terry(next(tables)), repeat)
    yield ours
    yield of_call("and reading the file", lambda: bradley_terry(VoteTable.from_file(path)), repeat)
    votes = read.counted()
    names = [[votes.systems[code] for code in side] for side in (votes.system_left, votes.system_right)]
    if find_spec("arena_rank"):
        yield from _arena_rank(names, votes, repeat, ours)
    else:
        yield _absent("arena-rank")
    if find_spec("evalica"):
        evalica = import_module("evalica")
        won = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], dtype=object)
        winners = won[votes.outcome].tolist()
        theirs = of_call("evalica, ratings only", lambda: evalica.bradley_terry(*names, winners), repeat)
        yield _times(theirs, ours)
    else:
        yield _absent("evalica")


def _arena_rank(names: list[list[str]], votes: VoteTable, repeat: int, ours: Cost) -> Iterator[Cost]:
    import pandas as pd

    models, data = import_module("arena_rank.models.bradley_terry"), import_module("arena_rank.utils.data_utils")
    winner = np.array(["model_a", "model_b", "tie"], dtype=object)[votes.outcome]
    frame = pd.DataFrame({"model_a": names[0], "model_b": names[1], "winner": winner})
    prepared = data.PairDataset.from_pandas(frame)

    def fit() -> object:
        return models.BradleyTerry(len(votes.systems)).compute_ratings_and_cis(prepared)

    fit()
    yield _times(of_call("arena-rank, from counts it made before", fit, repeat), ours)

    def whole() -> object:
        return models.BradleyTerry(len(votes.systems)).compute_ratings_and_cis(data.PairDataset.from_pandas(frame))

    yield _times(of_call("arena-rank, from votes in pandas", whole, repeat), ours)


def elo_costs(repeat: int) -> Iterator[Cost]:
    rng, systems, n = np.random.default_rng(2), 12, 100_000
    left = rng.integers(systems, size=n)
    right = (left + rng.integers(1, systems, n)) % systems
    codes, zero = np.arange(systems), np.zeros(n, dtype=np.intp)
    chance = 1 / (1 + np.exp(-(left - right) / 8))
    outcome = np.where(rng.random(n) < 0.15, 2, np.where(rng.random(n) < chance, 0, 1))
    votes = VoteTable(
        ("q",), ("p",), ("r",), tuple(f"system-{code:02}" for code in codes), zero, zero, zero, left, right, outcome, {}
    )
    elo(votes, rng, shuffles=8)
    ours = of_call("Elo, 1000 orders", lambda: elo(votes, np.random.default_rng(3)), repeat)
    yield ours
    with patch("analysis.stats.elo.FORGOTTEN", math.inf):
        whole = of_call("Elo, every vote of 1000 orders", lambda: elo(votes, np.random.default_rng(3)), repeat)
    yield _times(whole, ours)
    score = np.array([1.0, 0.0, 0.5])[outcome]
    found = of_call("numpy for all orders at once", lambda: side_by_side(left, right, score, systems, 1000), 1)
    yield _times(found, ours)


def side_by_side(left: np.ndarray, right: np.ndarray, score: FloatArray, systems: int, orders: int) -> FloatArray:
    """Final ratings (orders, systems): in step i every order plays its own i-th vote."""
    rng = np.random.default_rng(4)
    turns = np.array([rng.permutation(len(left)) for _ in range(orders)]).T
    ratings, every = np.full((orders, systems), 1000.0), np.arange(orders)
    for turn in turns:
        a, b = left[turn], right[turn]
        chance = 1 / (1 + 10 ** ((ratings[every, b] - ratings[every, a]) / 400))
        change = score[turn] - chance
        ratings[every, a] += change
        ratings[every, b] -= change
    return ratings


def _times(cost: Cost, ours: Cost) -> Cost:
    return Cost(cost.what, cost.seconds, cost.cpu_seconds, cost.megabytes, f"{_ratios(cost, ours)} ours")


def _ratios(cost: Cost, other: Cost) -> str:
    """By the clock, and of processors, which says more where others use them, too."""
    return f"{cost.seconds / other.seconds:.1f} (CPU {cost.cpu_seconds / other.cpu_seconds:.1f}) times"


def _absent(what: str) -> Cost:
    return Cost(what, math.nan, math.nan, note="not installed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, default=10_000_000, help="in the file (default ten million)")
    parser.add_argument("--only", choices=("file", "bt", "elo"))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write the table as JSON")
    options = parser.parse_args()
    costs: list[Cost] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], Iterator[Cost]]] = {
            "file": lambda: file_costs(folder, options.votes, options.repeat),
            "bt": lambda: bradley_terry_costs(folder, options.repeat),
            "elo": lambda: elo_costs(options.repeat),
        }
        for part, measure in parts.items():
            if options.only in {None, part}:
                for cost in measure():
                    memory = "" if cost.megabytes is None else f"{cost.megabytes:6.0f} MB"
                    print(f"{cost.what:45} {cost.seconds:8.2f} s {cost.cpu_seconds:8.2f} s CPU {memory:9} {cost.note}")
                    costs.append(cost)
    if options.out:
        rows = [asdict(cost) for cost in costs if not math.isnan(cost.seconds)]
        load = os.getloadavg()[0]
        content = {"votes": options.votes, "processors": os.cpu_count(), "load": load, "costs": rows}
        options.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
