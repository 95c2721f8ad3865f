from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


def analysis(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it away from the project, with nothing of Django's in the environment."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-m", "analysis", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_prints_tables(tmp_path: Path) -> None:
    run = analysis(GOLDEN / "votes.csv", folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == (GOLDEN / "votes.txt").read_text()


def test_quiet_prints_nothing_and_json_gets_everything(tmp_path: Path) -> None:
    run = analysis(GOLDEN / "votes.csv", "--quiet", "--json", "out.json", folder=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    summary = json.loads((tmp_path / "out.json").read_text())
    assert list(summary) == ["questions", "headline_elo", "settings", "warnings"]
    assert list(summary["questions"]) == ["prompt-following", "quality"]


def test_one_question_and_another_seed(tmp_path: Path) -> None:
    run = analysis(
        GOLDEN / "votes.csv", "--question", "quality", "--seed", "7", "--json", "out.json", folder=tmp_path
    )
    assert run.returncode == 0
    assert "prompt-following" not in run.stdout
    summary = json.loads((tmp_path / "out.json").read_text())
    assert list(summary["questions"]) == ["quality"]
    assert summary["settings"]["seed"] == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "missing.csv: cannot be read: No such file or directory."),
        (["header.csv"], "header.csv: no votes: there are no rows below the header."),
        (["bad.csv", "--quiet"], 'bad.csv: outcome is "a" in row 2; allowed are left, right, tie and both_bad.'),
        (
            [GOLDEN / "votes.csv", "--question", "beauty"],
            'votes.csv: no question "beauty"; the file has "prompt-following" and "quality".',
        ),
        (
            [GOLDEN / "votes.csv", "--json", "no/folder.json"],
            "no/folder.json: cannot be written: No such file or directory.",
        ),
    ],
    ids=["missing", "empty", "outcome", "question", "output"],
)
def test_bad_input_is_one_sentence_and_status_2(
    tmp_path: Path, arguments: list[str | Path], message: str
) -> None:
    header = "question,prompt_id,system_left,system_right,outcome,rater\n"
    (tmp_path / "header.csv").write_text(header)
    (tmp_path / "bad.csv").write_text(f"{header}q,p,a,b,a,r\n")
    run = analysis(*arguments, folder=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", f"{message}\n")


def test_a_seed_must_be_a_whole_number(tmp_path: Path) -> None:
    run = analysis(GOLDEN / "votes.csv", "--seed", "-1", folder=tmp_path)
    assert run.returncode == 2
    assert run.stderr.endswith('seed is "-1"; allowed are whole numbers from 0\n')


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m analysis {GOLDEN / 'votes.csv'} | true"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.stderr == ""


def test_it_imports_nothing_of_the_site(tmp_path: Path) -> None:
    program = (
        "import sys, analysis.__main__;"
        "print([name for name in ('django', 'celery', 'torch', 'comparisons', 'generation', 'evalsite')"
        " if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"
