"""Vote files that are refused: each in sentences that name rows and what is allowed, and nothing is stored."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from analysis.vote_import import VoteImportError, import_file
from comparisons.importing_votes import Imported
from comparisons.models import Study
from tests.analysis.vote_files import COLUMNS, make_rows, stored, write
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db

TYPED = {"system_right": "right", "answered_at": datetime(2026, 1, 5, tzinfo=UTC), "response_ms": 2500.0}


def refusal(study: Study, path: Path) -> list[str]:
    """The lines that the command ends with; and no row has changed."""
    before = stored()
    with pytest.raises(CommandError) as refused:
        call_command("import_votes", study.slug, str(path))
    assert stored() == before
    return str(refused.value).splitlines()


@pytest.fixture
def study() -> Study:
    return make_open_study(slug="colours")


WRONG = [
    ({"question": "beauty"}, 'question is "beauty"; allowed: prompt-following, quality'),
    ({"prompt_id": "4"}, "prompt_id is \"4\"; allowed: 0 to 3, a prompt's place in the study's prompt set"),
    ({"system_left": "delta@4"}, 'system_left is "delta@4"; allowed: alpha@4, beta@4, gamma@4'),
    ({"system_right": "x" * 99}, f'system_right is "{"x" * 60}…"; allowed: alpha@4, beta@4, gamma@4'),
    ({"outcome": "tie"}, 'outcome is "tie"; question prompt-following offers left, right'),
    ({"answered_at": "2999-01-01"}, "answered_at is 2999-01-01T00:00:00+00:00; allowed: from 2000 until now"),
    ({"answered_at": "1999-12-31"}, "answered_at is 1999-12-31T00:00:00+00:00; allowed: from 2000 until now"),
    ({"response_ms": "2147483648"}, 'response_ms is "2147483648"; allowed: milliseconds from 0 to 2147483647'),
]


@pytest.mark.parametrize(("change", "what"), WRONG, ids=[next(iter(change)) for change, _ in WRONG])
def test_a_wrong_row_is_named_with_what_is_allowed(
    change: dict[str, str], what: str, study: Study, tmp_path: Path
) -> None:
    rows = make_rows(study)
    assert rows[2]["question"] == "prompt-following"
    rows[2] |= change
    path = write(tmp_path / "votes.csv", rows)
    assert refusal(study, path) == ["votes.csv: nothing was imported, 1 problem:", f"  row 4: {what}"]


FLAWS = [
    ({"answered_at": ""}, 'answered_at is "" in row 4; allowed are times as ISO 8601 writes them.'),
    (
        {"answered_at": "yesterday"},
        'answered_at is "yesterday" in row 4; allowed are times as ISO 8601 writes them.',
    ),
    ({"response_ms": ""}, 'response_ms is "" in row 4; allowed are numbers from 0.'),
    ({"response_ms": "-1"}, 'response_ms is "-1" in row 4; allowed are numbers from 0.'),
    ({"response_ms": "nan"}, 'response_ms is "nan" in row 4; allowed are numbers from 0.'),
    ({"late": "maybe"}, 'late is "maybe" in row 4; allowed are true, false and nothing.'),
    ({"probability": "0"}, 'probability is "0" in row 4; allowed are numbers above 0 up to 1 and nothing.'),
    ({"rater": " "}, "rater is empty in row 4; every vote needs one."),
]


@pytest.mark.parametrize(("change", "what"), FLAWS)
def test_a_wrong_value_is_told_as_the_analysis_does(
    change: dict[str, str], what: str, study: Study, tmp_path: Path
) -> None:
    rows = [row | {"late": "", "probability": "0.5"} for row in make_rows(study)]
    rows[2] |= change
    (line,) = refusal(study, write(tmp_path / "votes.csv", rows))
    assert line.startswith(f"Nothing was imported. votes.csv: {what}")


def test_all_problems_are_told_at_once_the_first_ones_with_their_rows(study: Study, tmp_path: Path) -> None:
    rows = make_rows(study)
    for number, row in enumerate(rows[:12]):
        row["question"] = f"new-{number}"
    for row in rows[12:18]:
        row["prompt_id"] = "-1"
    lines = refusal(study, write(tmp_path / "votes.csv", rows))
    assert lines[0] == "votes.csv: nothing was imported, 13 problems:"
    assert lines[1] == '  row 2: question is "new-0"; allowed: prompt-following, quality'
    assert len(lines) == 12 and lines[-1] == "  and 3 more"
    (first, *_), rest = [rows[12:18], rows[18:]]
    some = refusal(study, write(tmp_path / "some.csv", [first, *rows[13:18], *rest]))
    assert some[1].startswith('  rows 2, 3, 4 and 3 more: prompt_id is "-1"; allowed: 0 to 3')


def test_a_file_that_lacks_a_column(study: Study, tmp_path: Path) -> None:
    rows = make_rows(study)
    needed = "to be imported, each vote needs answered_at and response_ms."
    without = write(tmp_path / "a.csv", rows, COLUMNS[:-1])
    assert refusal(study, without) == [f'Nothing was imported. a.csv: no column "response_ms"; {needed}']
    without = write(tmp_path / "b.csv", rows, COLUMNS[:-2])
    assert refusal(study, without)[0].startswith(
        'Nothing was imported. b.csv: no columns "answered_at" and "response_ms"; '
    )
    without = write(tmp_path / "c.csv", rows, COLUMNS[1:])
    assert refusal(study, without)[0].startswith('Nothing was imported. c.csv: no column "question"; required are ')


def test_files_that_are_none(study: Study, tmp_path: Path) -> None:
    assert refusal(study, tmp_path / "absent.csv") == [
        "Nothing was imported. absent.csv: cannot be read: No such file or directory."
    ]
    empty = write(tmp_path / "empty.csv", [])
    assert refusal(study, empty) == ["Nothing was imported. empty.csv: there are no votes in it."]
    (tmp_path / "text.parquet").write_text("hello")
    assert refusal(study, tmp_path / "text.parquet") == [
        "Nothing was imported. text.parquet: not a Parquet file, or a damaged one."
    ]
    (tmp_path / "commas.csv").write_text(f"{',' * len(COLUMNS)}\n{','.join(COLUMNS)}\n")
    assert refusal(study, tmp_path / "commas.csv") == [
        "Nothing was imported. commas.csv: row 1 is blank; the first row must name the columns."
    ]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_damaged_file_is_refused_in_a_sentence_or_read(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many of its bytes, each exchanged for others."""
    monkeypatch.setattr("analysis.vote_import.import_votes", lambda _, rows, note: Imported(len(rows), 0))
    path, draft, refused = tmp_path / f"votes.{form}", make_draft(), 0
    frame = pd.DataFrame([dict.fromkeys(COLUMNS, "left") | TYPED] * 3)
    frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path)
    whole = path.read_bytes()
    assert import_file(draft, path, by="ana") == (3, 0)
    for place, byte in itertools.product(range(0, len(whole), len(whole) // 100), (0, 0x22, 0xFF)):
        path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
        try:
            import_file(draft, path, by="ana")
        except VoteImportError as error:
            refused += str(error).startswith("Nothing was imported. votes")
    assert refused > 100
