"""What a report says of the same votes with ties treated otherwise, and why it cannot where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.reporting.sensitivity import Standing, refusals, standings, with_ties_otherwise
from analysis.stats import VoteTable, summarise
from comparisons.models import Comparison
from tests.analysis.reported import text_of, write
from tests.analysis.stats.planted import COLUMNS
from tests.analysis.votes import cast_vote
from tests.factories import make_open_study, make_session

Row = tuple[str, ...]


def answers(question: str, *votes: str) -> list[Row]:
    """Votes as "left right outcome", each on a prompt and by a rater of three."""
    return [(question, f"p{n % 3}", *vote.split(), f"r{n // 3 % 3}") for n, vote in enumerate(votes)]


def votes_of(*rows: Row) -> VoteTable:
    return VoteTable.from_columns(dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))


BOTH_WAYS = answers("quality", *["a b left", "b a left", "a b right", "b a right", "a b tie", "a b left"] * 2)
NEVER_LOST = answers("match", *["a b left", "b a right", "a b tie"] * 3)


def of_question(rows: list[Standing], question: str) -> dict[str, float | None]:
    return {row["system"]: row["bt"] for row in rows if row["question"] == question}


def test_numbers_are_those_of_a_summary_with_ties_treated_so() -> None:
    votes = votes_of(*BOTH_WAYS)
    found = with_ties_otherwise(votes)
    assert list(found) == ["ties left out", "ties after Davidson"]
    for rows, ties in zip(found.values(), ("drop", "davidson"), strict=True):
        expected = [row for row in standings(summarise(votes, ties=ties)) if row["bt"]]
        assert sorted(rows, key=lambda row: row["rank"] or 0) == expected
        assert len(expected) == 2
    assert refusals(found) == []
    assert with_ties_otherwise(votes.select(votes.outcome != 2)) == {}


def test_a_question_without_ratings_keeps_no_other_from_having_them_and_says_why() -> None:
    found = json.loads(json.dumps(with_ties_otherwise(votes_of(*BOTH_WAYS, *NEVER_LOST)), allow_nan=False))
    for rows in found.values():
        assert of_question(rows, "match") == {"a": None, "b": None}
        assert all(bt is not None for bt in of_question(rows, "quality").values())
    davidson, left_out = refusals(found)
    assert davidson.startswith("match, ties after Davidson: No finite ratings with a tie parameter: of a and b, best")
    assert left_out.startswith("match, ties left out: Bradley-Terry ratings are not finite: a never lost")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (answers("match", "a b left", "b a left"), "does not exist for votes without a tie"),
        (answers("match", "a b tie", "b a tie"), "does not exist for votes with nothing but ties"),
        (answers("match", "a b both_bad"), "no vote that is not both-bad"),
        (answers("match", "a b left", "b a left", "c d tie"), "no comparison connects"),
    ],
)
def test_whatever_keeps_davidsons_model_from_existing_is_a_sentence(rows: list[Row], reason: str) -> None:
    found = with_ties_otherwise(votes_of(*BOTH_WAYS, *rows))
    said = [text for text in refusals(found) if text.startswith("match, ties after Davidson: ")]
    assert len(said) == 1
    assert reason in said[0]


def test_a_question_of_ties_alone_has_nothing_without_them() -> None:
    said = refusals(with_ties_otherwise(votes_of(*answers("match", "a b tie", "b a both_bad"))))
    assert said[1] == (
        "match, ties left out: Nothing can be rated: there is no vote that is neither a tie nor both-bad."
    )


def test_a_system_with_ties_alone_has_no_rating_without_them() -> None:
    votes = votes_of(*BOTH_WAYS, *answers("quality", "c a tie", "b c tie"))
    found = with_ties_otherwise(votes)
    ranks = {row["system"]: (row["bt"] is None, row["rank"] is None) for row in found["ties left out"]}
    assert ranks == {"a": (False, False), "b": (False, False), "c": (True, True)}
    assert None not in of_question(found["ties after Davidson"], "quality").values()
    assert refusals(found) == []


@pytest.mark.django_db
def test_the_report_is_written_and_says_why_ratings_are_lacking(tmp_path: Path) -> None:
    """Of two systems the one that never loses, but ties."""
    study = make_open_study()
    of_question = Comparison.objects.filter(question__study=study, question__key="quality").order_by("id")
    compared = of_question.filter(matchup=of_question[0].matchup).select_related("matchup", "image_a__job__system")
    for _ in range(3):
        session = make_session(study)
        for n, comparison in enumerate(compared):
            better_is_a = comparison.image_a.job.system_id == comparison.matchup.system_a_id
            cast_vote(session, comparison, "tie" if n % 3 == 0 else "left", a_is_left=better_is_a)
    text = text_of(write(study, tmp_path))
    assert "quality, ties after Davidson: No finite ratings with a tie parameter: of " in text
    assert "quality, ties left out: Bradley-Terry ratings are not finite: " in text
