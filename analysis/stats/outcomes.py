"""The table of votes that every statistic reads: columns of integer codes, and the names they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.stats.errors import NoVotesError
from analysis.stats.vote_file import EXCLUDED, OPTIONAL, OUTCOMES, REQUIRED, LineNumbers, check, read_csv

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEFT, RIGHT, TIE, BOTH_BAD = range(len(OUTCOMES))
_LEFT_SCORES = np.array([1.0, 0.0, 0.5, np.nan])


@dataclass(frozen=True, eq=False)
class VoteTable:
    """N votes as columns.

    `question`, `prompt`, `rater`, `system_left`, `system_right` are codes of shape (N,) into the sorted name
    tuples `questions`, `prompts`, `raters` and `systems` (both sides share `systems`); every name occurs in
    at least one vote. `outcome` holds LEFT, RIGHT, TIE or BOTH_BAD. `optional` holds the optional columns
    that were given (vote_id, category, challenge, session, response_ms, answered_at, rater_kind) as text, each of shape
    (N,).
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

    @classmethod
    def from_csv(cls, path: Path | str, *, with_excluded: bool = False) -> Self:
        """Read a comma-separated UTF-8 file with a header; every value is kept as text ("NA" is a name).

        Rows whose column `excluded` is true are left out, unless `with_excluded`.

        Raises VoteFileError, with the file's name and row numbers (the header is row 1), for a file that
        cannot be read, a missing or repeated column, an empty value, an unknown outcome, a system compared
        with itself or a repeated vote_id; NoVotesError when the header is all there is.
        """
        file = read_csv(Path(path))
        frame = file.frame.drop(columns="excluded", errors="ignore") if with_excluded else file.frame
        table = cls._from_checked(frame, file.name, file.line_numbers)
        if not len(table):
            raise NoVotesError(f"{file.name}: no votes: there are no rows below the header.")
        return table

    @classmethod
    def from_columns(cls, columns: Mapping[str, Sequence[object]], source: str = "votes") -> Self:
        """Make a table of equally long columns named as in a vote file; zero rows are allowed.

        `source` opens the messages of errors, whose row numbers start at 1 here.
        """
        frame = pd.DataFrame({name: list(values) for name, values in columns.items()}, dtype=object)
        return cls.from_frame(frame, source)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, source: str = "votes") -> Self:
        """Make a table of a data frame; values become text and missing ones count as empty."""
        known = frame[[name for name in frame.columns if name in OPTIONAL or name in REQUIRED]]
        text = known.astype(object).where(known.notna(), "").astype(str)
        return cls._from_checked(text, source, lambda rows: [row + 1 for row in rows])

    @classmethod
    def _from_checked(cls, frame: pd.DataFrame, source: str, line_numbers: LineNumbers) -> Self:
        check(frame, source, line_numbers)
        if "excluded" in frame:
            frame = frame[~frame.pop("excluded").map(EXCLUDED).astype(bool)]
        question, questions = _codes(frame["question"])
        prompt, prompts = _codes(frame["prompt_id"])
        rater, raters = _codes(frame["rater"])
        sides, systems = _codes(pd.concat([frame["system_left"], frame["system_right"]]))
        outcome = pd.Categorical(frame["outcome"], categories=list(OUTCOMES)).codes.astype(np.intp)
        return cls(
            questions,
            prompts,
            raters,
            systems,
            question,
            prompt,
            rater,
            sides[: len(frame)],
            sides[len(frame) :],
            outcome,
            {name: frame[name].to_numpy(dtype=object) for name in OPTIONAL if name in frame},
        )

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def left_score(self) -> FloatArray:
        """What the left system got of each vote: 1, 0, half for a tie, NaN for both-bad. Shape (N,)."""
        return _LEFT_SCORES[self.outcome]

    @property
    def simulated(self) -> BoolArray:
        """Which votes no person has given. Shape (N,)."""
        kinds = self.optional.get("rater_kind")
        return np.zeros(len(self), dtype=np.bool_) if kinds is None else np.asarray(kinds == "simulated")

    def select(self, rows: BoolArray) -> VoteTable:
        """The votes where `rows` (N,) is true, with only the names that still occur."""
        question, questions = _kept(self.question[rows], self.questions)
        prompt, prompts = _kept(self.prompt[rows], self.prompts)
        rater, raters = _kept(self.rater[rows], self.raters)
        both = np.concatenate([self.system_left[rows], self.system_right[rows]])
        sides, systems = _kept(both, self.systems)
        left, right = np.split(sides, 2)
        optional = {name: values[rows] for name, values in self.optional.items()}
        return VoteTable(
            questions,
            prompts,
            raters,
            systems,
            question,
            prompt,
            rater,
            left,
            right,
            self.outcome[rows],
            optional,
        )

    def split_by_question(self) -> dict[str, VoteTable]:
        """One table a question, in the order of the questions' names."""
        return {name: self.select(self.question == code) for code, name in enumerate(self.questions)}

    def counted(self) -> VoteTable:
        """The votes that say which is better, or that neither is: all but both-bad."""
        counts = self.outcome != BOTH_BAD
        return self if counts.all() else self.select(counts)


def _codes(column: pd.Series[str]) -> tuple[IntArray, tuple[str, ...]]:
    codes, names = pd.factorize(column.to_numpy(dtype=object), sort=True)
    return codes.astype(np.intp), tuple(str(name) for name in names)


def _kept(codes: IntArray, names: tuple[str, ...]) -> tuple[IntArray, tuple[str, ...]]:
    """Number anew the names that occur, in their order."""
    occurs = np.zeros(len(names), dtype=np.bool_)
    occurs[codes] = True
    renumbered = (np.cumsum(occurs) - 1).astype(np.intp)
    return renumbered[codes], tuple(name for name, keep in zip(names, occurs, strict=True) if keep)
