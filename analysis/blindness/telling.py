"""Can labels be told by what was seen? A classifier says how well, and a test of each field says by what.

Rows come in units: the two images of a pair, or one row for the pair. Under blindness the labels of a session's units
could as well have come in any other order, and those of a pair's images the other way round. This is what the test
permutes, so neither a session's own values nor a slow machine make it wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest, rankdata
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold, cross_val_predict

from analysis.blindness import fields
from analysis.blindness.records import Value

ALPHA = 0.001  # false alarms, by each of the two ways, in a study that leaks nothing
PERMUTATIONS = 5000
_AT_ONCE = 500
_FOLDS = 5
_TEXTS = 8  # of a field, the commonest: each a column of zeros and ones
_IN_A_PAIR = 2  # rows
_NUMBERS = 8  # of a text
_SIGNS = np.array([1, -1], dtype=np.float32)  # of the left and the right image of a pair

Matrix = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Columns = tuple[list[str], Matrix]  # the field that each is of, and its values by row
PValues = dict[str, float]


@dataclass(frozen=True)
class Telling:
    """`chance` is the share of the commonest label; `p_values` allow for the number of fields."""

    rows: int
    accuracy: float
    low: float
    high: float
    chance: float
    p_values: Mapping[str, float]

    @property
    def is_above_chance(self) -> bool:
        return self.low > self.chance

    @property
    def telling(self) -> list[str]:
        return [name for name, p in self.p_values.items() if p <= ALPHA]


def tell(
    rows: Sequence[Sequence[Mapping[str, Value]]], labels: Sequence[Sequence[str]], sessions: Sequence[str], seed: int
) -> Telling:
    """A unit has one row and one label, or two of each. Sessions are tested by a classifier that never saw them."""
    order = np.argsort(np.array(sessions), kind="stable")
    table = pd.DataFrame([row for unit in order for row in rows[unit]], dtype=object)
    columns = _columns(table, _columns_of)
    _, coded = np.unique([labels[unit] for unit in order], return_inverse=True)
    truth = coded.reshape(len(order), -1)
    groups = np.unique(np.array(sessions)[order], return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    hits = _hits(columns[1], truth, groups, rng)
    interval = binomtest(hits, truth.size).proportion_ci(1 - ALPHA, method="wilson")
    return Telling(
        rows=truth.size,
        accuracy=hits / truth.size,
        low=float(interval.low),
        high=float(interval.high),
        chance=Counter(truth.ravel().tolist()).most_common(1)[0][1] / truth.size,
        p_values=_p_values(columns, _columns(table, _bits_of), truth, groups, rng),
    )


def _columns(table: pd.DataFrame, read: Callable[[pd.Series], list[npt.NDArray[np.float64]]]) -> Columns:
    """Numbers for each field, and the field that each is of. Columns without variation are left out."""
    names, columns = [], []
    for name in map(str, table.columns):
        for column in read(table[name]):
            if np.ptp(column) > 0:
                names.append(name)
                columns.append(column)
    return names, np.array(columns, dtype=np.float32).reshape(len(columns), len(table)).T


def _columns_of(values: pd.Series) -> list[npt.NDArray[np.float64]]:
    """A number as it is; of a text its length, the numbers in it, and whether it is one of the commonest.

    One that occurs in a single pair tells nothing of another. Its column would be as far from chance as any can be
    whenever it meets a rare label, and hide all columns that do tell.
    """
    texts = values.where(values.notna(), "none").map(str)
    counts = texts.value_counts()
    common = counts.index[(counts > _IN_A_PAIR) & (counts < len(texts))][:_TEXTS]
    found = [(texts == text).to_numpy(float) for text in common]
    if not any(isinstance(value, str) for value in values):
        return [values.fillna(-1).to_numpy(float), *found]
    found.append(texts.map(len).to_numpy(float))
    numbers = texts.map(fields.numbers).tolist()
    if len({len(each) for each in numbers}) == 1 and len(numbers[0]) <= _NUMBERS:
        found += list(np.array(numbers, dtype=float).T)
    return found


def _bits_of(values: pd.Series) -> list[npt.NDArray[np.float64]]:
    """For a test of their own: hundreds of random columns would hide all others, and confuse the classifier."""
    bits = values.map(lambda value: fields.bits(value) if isinstance(value, str) else []).tolist()
    return list(np.array(bits, dtype=float).T) if len({len(each) for each in bits}) == 1 else []


def _hits(matrix: Matrix, truth: Labels, groups: Labels, rng: np.random.Generator) -> int:
    if not matrix.size:
        matrix = np.zeros((truth.size, 1), dtype=np.float32)
    forest = RandomForestClassifier(n_estimators=100, min_samples_leaf=2, random_state=int(rng.integers(2**31)))
    folds = GroupKFold(min(_FOLDS, len(set(groups.tolist()))))
    of_rows = np.repeat(groups, truth.shape[1])
    guesses = cross_val_predict(forest, matrix, truth.ravel(), groups=of_rows, cv=folds)
    return int((guesses == truth.ravel()).sum())


def _p_values(numbers: Columns, bits: Columns, truth: Labels, groups: Labels, rng: np.random.Generator) -> PValues:
    """Of each field, the least first, from two tests, times two (Bonferroni): of what all fields are by themselves;
    and of what comes in great number, bits, and what is there once for a pair as far as it tells which is left.
    """
    names, names_of_bits = numbers[0], bits[0]
    of_rows = np.repeat(groups, truth.shape[1])
    ranks, ranks_of_bits = _ranks(numbers[1], of_rows), _ranks(bits[1], of_rows)
    signed_names, signed = _signed([*names, *names_of_bits], np.hstack([ranks, ranks_of_bits]), truth.shape[1])
    more = [*names_of_bits, *signed_names], np.hstack([ranks_of_bits, signed])
    tests = [
        _by_the_greatest((names, ranks), truth, groups, rng, flips=True),
        _by_the_greatest(more, truth, groups, rng, flips=False),
    ]
    found: PValues = {}
    for name, p in (item for test in tests for item in test.items()):
        found[name] = min(len(tests) * p, found.get(name, 1.0))
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _by_the_greatest(
    columns: Columns, truth: Labels, groups: Labels, rng: np.random.Generator, *, flips: bool
) -> PValues:
    """Of each field, by Kruskal and Wallis' statistic of its ranks within each session.

    Its greatest value over all columns under each permutation of the labels is what every column is held against
    (Westfall and Young 1993, single-step maxT): 1 in 1 / p blind studies has a field with p or less.
    """
    names, ranks = columns
    kept = ranks.any(axis=0)
    if not kept.any():
        return {}
    ranks = ranks[:, kept]
    observed = _statistics(truth.reshape(1, -1), ranks)[0]
    greatest = np.concatenate(
        [
            _statistics(_permuted(truth, groups, _AT_ONCE, rng, flips=flips), ranks).max(axis=1)
            for _ in range(PERMUTATIONS // _AT_ONCE)
        ]
    )
    found: PValues = {}
    for name, value in zip(np.array(names)[kept].tolist(), observed, strict=True):
        p = float((1 + (greatest >= value - 1e-6).sum()) / (1 + len(greatest)))
        found[name] = min(p, found.get(name, 1.0))
    return found


def _ranks(matrix: Matrix, groups: Labels) -> Matrix:
    """Within each session, centred there; a column's mean square is one."""
    ranks = np.zeros(matrix.shape, dtype=np.float32)
    for group in np.unique(groups):
        inside = groups == group
        ranks[inside] = rankdata(matrix[inside], axis=0) - (inside.sum() + 1) / 2
    spread = np.sqrt((ranks**2).mean(axis=0))
    scaled: Matrix = np.divide(ranks, spread, out=np.zeros_like(ranks), where=spread > 0)
    return scaled


def _signed(names: Sequence[str], ranks: Matrix, rows: int) -> Columns:
    """What is the same for both images of a pair, with its sign changed on the right: so it can tell which is left."""
    if rows != _IN_A_PAIR:
        return [], ranks[:, :0]
    once = (ranks[::2] == ranks[1::2]).all(axis=0)
    signs = np.tile(_SIGNS, len(ranks) // 2)[:, np.newaxis]
    return np.array(names, dtype=object)[once].tolist(), ranks[:, once] * signs


def _statistics(labels: Labels, ranks: Matrix) -> Matrix:
    """Permutations by columns: the squared sums of the labels' ranks, each over the label's number of rows."""
    total = np.zeros((len(labels), ranks.shape[1]), dtype=np.float32)
    for label in np.unique(labels):
        has_it = (labels == label).astype(np.float32)
        total += (has_it @ ranks) ** 2 / has_it[0].sum()
    return total


def _permuted(truth: Labels, groups: Labels, count: int, rng: np.random.Generator, *, flips: bool) -> Labels:
    """Units change places within their session. With flips their two labels also change sides: but a site that puts
    each system as often on the left gives less to chance than coins do, so of which is left this says too much.
    """
    places = np.argsort(groups + rng.random((count, len(groups))), axis=1)  # sessions follow each other
    labels = truth[places]
    if not flips:
        return labels.reshape(count, -1)
    flipped = rng.random((count, len(groups), 1)) < 0.5
    return np.where(flipped, labels[:, :, ::-1], labels).reshape(count, -1)
