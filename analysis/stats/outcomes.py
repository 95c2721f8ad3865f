"""The table of votes that every statistic reads: columns of integer codes, and the names they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from analysis.stats.clusters import Codes, Crossed, crossed
from analysis.stats.errors import NoVotesError, counted
from analysis.stats.vote_checks import EXCLUDED, checked
from analysis.stats.vote_columns import SomeRows, TextColumns
from analysis.stats.vote_file import (
    OPTIONAL,
    OUTCOMES,
    PARQUET,
    VoteFile,
    counted_from_one,
    of_frame,
    read_csv,
    read_parquet,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEFT, RIGHT, TIE, BOTH_BAD = range(len(OUTCOMES))
_SWAPPED = np.array([RIGHT, LEFT, TIE, BOTH_BAD], dtype=np.intp)
_LEFT_SCORES = np.array([1.0, 0.0, 0.5, np.nan])


@dataclass(frozen=True, eq=False)
class Kinds:
    """The k k 4 ways in which a vote on k systems can come out, in the order of their codes, and how often each did.

    Nothing else of a vote than its kind, its prompt and its rater says anything of how good systems are.
    """

    left: IntArray
    right: IntArray
    outcome: IntArray
    counts: IntArray

    @cached_property
    def first(self) -> IntArray:
        """The first of the two systems by name."""
        return np.minimum(self.left, self.right)

    @cached_property
    def second(self) -> IntArray:
        return np.maximum(self.left, self.right)

    @cached_property
    def outcome_of_first(self) -> IntArray:
        """The outcome told from the systems' side: LEFT where the first of the two was preferred."""
        return np.where(self.left > self.right, _SWAPPED[self.outcome], self.outcome)

    @cached_property
    def left_score(self) -> FloatArray:
        """As that of VoteTable."""
        return _LEFT_SCORES[self.outcome]

    @cached_property
    def is_counted(self) -> BoolArray:
        """All but both-bad."""
        return np.not_equal(self.outcome, BOTH_BAD)

    @cached_property
    def counted(self) -> IntArray:
        """As `counts`, none of both-bad."""
        return self.counts * self.is_counted


@dataclass(frozen=True, eq=False)
class VoteTable:
    """N votes as columns.

    `question`, `prompt`, `rater`, `system_left`, `system_right` are codes of shape (N,) into the sorted name
    tuples `questions`, `prompts`, `raters` and `systems` (both sides share `systems`); every name occurs in
    at least one vote. `outcome` holds LEFT, RIGHT, TIE or BOTH_BAD. `optional` holds the optional columns
    that were given (vote_id, category, challenge, session, response_ms, answered_at, probability, rater_kind) as
    text, each of shape (N,), made when it is asked for. `excluded` says by question how many votes are left out, those
    with a true in the column of that name.
    """

    questions: tuple[str, ...]
    prompts: tuple[str, ...]
    raters: tuple[str, ...]
    systems: tuple[str, ...]
    question: IntArray
    prompt: IntArray
    rater: IntArray
    system_left: IntArray
    system_right: IntArray
    outcome: IntArray
    optional: Mapping[str, npt.NDArray[np.object_]]
    excluded: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_file(cls, path: Path | str, *, with_excluded: bool = False) -> Self:
        """Read Parquet where the file's name ends in .parquet or .pq, CSV otherwise; raises as `from_csv` does."""
        is_parquet = Path(path).suffix.lower() in PARQUET
        return (cls.from_parquet if is_parquet else cls.from_csv)(path, with_excluded=with_excluded)

    @classmethod
    def from_csv(cls, path: Path | str, *, with_excluded: bool = False) -> Self:
        """Read a comma-separated UTF-8 file with a header; every value is kept as text ("NA" is a name).

        Rows whose column `excluded` is true are left out, unless `with_excluded`.

        Raises VoteFileError, with the file's name and row numbers (the header is row 1), for a file that
        cannot be read, a missing or repeated column, an empty value, an unknown outcome, a system compared
        with itself, a repeated vote_id or a value that its column does not allow; NoVotesError when the header is all
        there is, or all votes are left out.
        """
        return cls._from_read(read_csv(Path(path)), with_excluded, "there are no rows below the header")

    @classmethod
    def from_parquet(cls, path: Path | str, *, with_excluded: bool = False) -> Self:
        """Read a Parquet file with the columns of a vote file; values become text and nulls are empty.

        Raises as `from_csv` does; the first vote is row 1.
        """
        return cls._from_read(read_parquet(Path(path)), with_excluded, "the file has no rows")

    @classmethod
    def from_columns(cls, columns: Mapping[str, Sequence[object]], source: str = "votes") -> Self:
        """Make a table of equally long columns named as in a vote file; zero rows are allowed.

        `source` opens the messages of errors, whose row numbers start at 1 here.
        """
        import pandas as pd

        frame = pd.DataFrame({name: list(values) for name, values in columns.items()}, dtype=object)
        return cls.from_frame(frame, source)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, source: str = "votes") -> Self:
        """Make a table of a data frame; values become text and missing ones count as empty."""
        return cls._of(VoteFile(of_frame(frame), source, counted_from_one))

    @classmethod
    def from_arrow(cls, table: pa.Table, source: str = "votes") -> Self:
        """Make a table of Arrow's columns, named as in a vote file; zero rows are allowed.

        Values of any type become text, as those of a Parquet file do.
        """
        columns = dict(zip(table.column_names, table.columns, strict=True))
        return cls._of(VoteFile(columns, source, counted_from_one))

    @classmethod
    def _from_read(cls, file: VoteFile, with_excluded: bool, nothing: str) -> Self:
        columns = {name: column for name, column in file.columns.items() if name != "excluded" or not with_excluded}
        table = cls._of(VoteFile(columns, file.name, file.line_numbers))
        if not len(table):
            rows = sum(table.excluded.values())
            found = f"no votes other than {counted(rows, 'excluded one')}" if rows else f"no votes: {nothing}"
            raise NoVotesError(f"{file.name}: {found}.")
        return table

    @classmethod
    def _of(cls, file: VoteFile) -> Self:
        columns = checked(file.columns, file.name, file.line_numbers)
        left = columns["system_left"]
        outcomes = np.array([OUTCOMES.index(name) for name in columns["outcome"].names], dtype=np.intp)
        optional = {name: file.columns[name] for name in OPTIONAL if name in file.columns and name != "excluded"}
        table = cls(
            columns["question"].names,
            columns["prompt_id"].names,
            columns["rater"].names,
            left.names,
            columns["question"].codes,
            columns["prompt_id"].codes,
            columns["rater"].codes,
            left.codes,
            columns["system_right"].codes,
            outcomes[columns["outcome"].codes],
            TextColumns(optional),
        )
        if "excluded" not in columns:
            return table
        is_out = columns["excluded"].where(EXCLUDED.__getitem__)
        left_out = np.bincount(table.question[is_out], minlength=len(table.questions)).tolist()
        excluded = {name: number for name, number in zip(table.questions, left_out, strict=True) if number}
        return replace(table.select(~is_out), excluded=excluded)

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def left_score(self) -> FloatArray:
        """What the left system got of each vote: 1, 0, half for a tie, NaN for both-bad. Shape (N,)."""
        return _LEFT_SCORES.take(self.outcome)

    @property
    def simulated(self) -> BoolArray:
        """Which votes no person has given. Shape (N,)."""
        kinds = self.optional.get("rater_kind")
        return np.zeros(len(self), dtype=np.bool_) if kinds is None else np.asarray(kinds == "simulated")

    @cached_property
    def kind(self) -> Codes:
        """Codes (N,) of left and right system and outcome together, as `Kinds` counts them."""
        codes = self.system_left.astype(np.int32)
        codes *= len(self.systems)
        codes += self.system_right
        codes *= len(OUTCOMES)
        codes += self.outcome
        return codes

    @cached_property
    def kinds(self) -> Kinds:
        k = len(self.systems)
        shape = (k, k, len(OUTCOMES))
        left, right, outcome = (axis.ravel() for axis in np.indices(shape, dtype=np.intp))
        return Kinds(left, right, outcome, np.bincount(self.kind, minlength=len(left)).astype(np.intp))

    @cached_property
    def clusters_of_kinds(self) -> Crossed:
        """For matrices with a row a kind of vote."""
        return crossed(self.kind, self.prompt, self.rater)

    @cached_property
    def clusters_of_votes(self) -> Crossed:
        """For matrices with a row a vote."""
        return crossed(np.arange(len(self), dtype=np.int32), self.prompt, self.rater)

    def select(self, rows: BoolArray) -> Self:
        """The votes where `rows` (N,) is true, with only the names that still occur."""
        positions = np.flatnonzero(rows)
        (question,), questions = _kept(positions, self.questions, self.question)
        (prompt,), prompts = _kept(positions, self.prompts, self.prompt)
        (rater,), raters = _kept(positions, self.raters, self.rater)
        (left, right), systems = _kept(positions, self.systems, self.system_left, self.system_right)
        return type(self)(
            questions,
            prompts,
            raters,
            systems,
            question,
            prompt,
            rater,
            left,
            right,
            self.outcome.take(positions),
            SomeRows(self.optional, rows),
            {name: number for name, number in self.excluded.items() if name in questions},
        )

    def split_by_question(self) -> dict[str, VoteTable]:
        """One table a question, in the order of the questions' names."""
        return {name: self.select(self.question == code) for code, name in enumerate(self.questions)}

    def counted(self) -> VoteTable:
        """The votes that say which is better, or that neither is: all but both-bad."""
        return self if self._counted is None else self._counted

    def ratable(self) -> VoteTable:
        """The votes, with both-bad among them, if every system has others; else as `counted`."""
        kinds = self.kinds
        rated = np.bincount(np.concatenate([kinds.left, kinds.right]), np.tile(kinds.counted, 2), len(self.systems))
        return self if rated.all() else self.counted()

    @cached_property
    def _counted(self) -> VoteTable | None:
        counts = self.outcome != BOTH_BAD
        return None if counts.all() else self.select(counts)


def _kept(positions: IntArray, names: tuple[str, ...], *columns: IntArray) -> tuple[list[IntArray], tuple[str, ...]]:
    """The codes at `positions`, and the names that occur there, numbered anew in their order."""
    chosen = [codes.take(positions) for codes in columns]
    occurs = np.zeros(len(names), dtype=np.bool_)
    for codes in chosen:
        occurs[codes] = True
    if occurs.all():
        return chosen, names
    number = (np.cumsum(occurs) - 1).astype(np.intp)
    return [number.take(codes) for codes in chosen], tuple(compress(names, occurs))
