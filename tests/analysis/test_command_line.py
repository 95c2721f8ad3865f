from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import csv, parquet

from analysis.__main__ import main

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


def analysis(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it away from the project, with nothing of Django's in the environment."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-m", "analysis", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_prints_tables_and_writes_json_without_the_site(tmp_path: Path) -> None:
    run = analysis(GOLDEN / "votes.csv", "--json", "out.json", folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == (GOLDEN / "votes.txt").read_text()
    summary = json.loads((tmp_path / "out.json").read_text())
    assert list(summary) == ["questions", "headline_elo", "combined", "settings", "warnings"]
    assert list(summary["questions"]) == ["prompt-following", "quality"]


def test_a_parquet_file_gives_the_numbers_of_the_csv_file(tmp_path: Path) -> None:
    names = GOLDEN / "votes.csv"
    parquet.write_table(csv.read_csv(names), tmp_path / "votes.parquet", row_group_size=100)
    run = analysis("votes.parquet", "--json", "out.json", folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == (GOLDEN / "votes.txt").read_text()
    assert main([str(names), "--quiet", "--json", str(tmp_path / "csv.json")]) == 0
    assert (tmp_path / "out.json").read_bytes() == (tmp_path / "csv.json").read_bytes()


def test_a_question_of_a_parquet_file_and_its_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    votes = csv.read_csv(GOLDEN / "votes.csv")
    file, out = tmp_path / "votes.parquet", tmp_path / "out.json"
    parquet.write_table(votes, file)
    assert main([str(file), "--question", "quality", "--quiet", "--json", str(out)]) == 0
    assert list(json.loads(out.read_text())["questions"]) == ["quality"]
    parquet.write_table(votes.drop_columns(["rater"]), file)
    assert main([str(file)]) == 2
    assert capsys.readouterr().err.startswith('votes.parquet: no column "rater"; required are question,')


@pytest.mark.parametrize(
    ("cluster", "sampled", "said"),
    [
        ("prompt,rater", ["prompt", "rater"], "Intervals: 95%, clustered by prompt and rater."),
        ("rater", ["rater"], "Intervals: 95%, clustered by rater, the prompts being a fixed set."),
        ("prompt", ["prompt"], "Intervals: 95%, clustered by prompt, the raters being a fixed set."),
        ("none", [], "Intervals: 95%, as if every vote were independent."),
    ],
)
def test_what_intervals_take_votes_for_can_be_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cluster: str, sampled: list[str], said: str
) -> None:
    out = tmp_path / "out.json"
    assert main([str(GOLDEN / "votes.csv"), "--cluster", cluster, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(said)
    summary = json.loads(out.read_text())
    assert summary["settings"]["cluster"] == sampled
    assert ("too narrow where votes share" in printed) == (cluster == "none")


def test_bad_input_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    run = analysis("missing.csv", "--quiet", folder=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "missing.csv: cannot be read: No such file or directory.\n"


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "analysis", GOLDEN / "votes.csv"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 0


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(GOLDEN / "votes.csv"), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_one_question_and_another_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert main([str(GOLDEN / "votes.csv"), "--question", "quality", "--seed", "7", "--json", str(out)]) == 0
    assert "prompt-following" not in capsys.readouterr().out
    summary = json.loads(out.read_text())
    assert list(summary["questions"]) == ["quality"]
    assert summary["settings"]["seed"] == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["header.csv"], "header.csv: no votes: there are no rows below the header."),
        (["bad.csv"], 'bad.csv: outcome is "a" in row 2; allowed are left, right, tie and both_bad.'),
        (["good.csv", "--question", "x"], 'good.csv: no question "x"; the file has "q".'),
        (["good.csv", "--json", "no/o.json"], "no/o.json: cannot be written: No such file or directory."),
        (["good.csv", "--json", "/dev/full"], "/dev/full: cannot be written: No space left on device."),
    ],
    ids=["empty", "outcome", "question", "output", "a full disk"],
)
def test_every_mistake_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    header = "question,prompt_id,system_left,system_right,outcome,rater\n"
    for name, row in {"header": "", "bad": "q,p,a,b,a,r\n", "good": "q,p,a,b,left,r\n"}.items():
        Path(f"{name}.csv").write_text(header + row)
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"{message}\n")


def test_a_seed_must_be_a_whole_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(GOLDEN / "votes.csv"), "--seed", "-1"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith('seed is "-1"; allowed are whole numbers from 0\n')


def test_it_imports_nothing_of_the_site(tmp_path: Path) -> None:
    program = (
        "import sys, analysis.__main__\n"
        "site = {'django', 'celery', 'torch', 'comparisons', 'generation', 'evalsite'}\n"
        "print(sorted(site & set(sys.modules)))"
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


def test_a_plan_is_printed_and_written(tmp_path: Path) -> None:
    options = ["--win-rate", "0.55", "--judgements", "20", "--json", "plan.json"]
    run = analysis("plan", *options, folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "at least 341, however many votes" in run.stdout
    written = json.loads((tmp_path / "plan.json").read_text())
    assert written["wish"]["judgements"] == 20
    assert written["plan"]["fewest_raters"] == 98


def test_a_plan_learns_from_a_pilot(tmp_path: Path) -> None:
    run = analysis("plan", "--pilot", GOLDEN / "votes.csv", "--json", "plan.json", folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    wish = json.loads((tmp_path / "plan.json").read_text())["wish"]
    assert 0 < wish["ties"] < 0.3
    assert wish["prompt_icc"] != 0.35


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b",,,,,\nquestion\n", "pilot.csv: row 1 is blank; the first row must name the columns.\n"),
        (b"PK\x03\x04\x14\x00\xff", "pilot.csv: row 1 is not UTF-8 (byte 0xff).\n"),
    ],
)
def test_a_pilot_that_is_no_vote_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, sentence: str
) -> None:
    (tmp_path / "pilot.csv").write_bytes(content)
    assert main(["plan", "--pilot", str(tmp_path / "pilot.csv")]) == 2
    assert capsys.readouterr() == ("", sentence)


@pytest.mark.parametrize("before", [[], ["plan", "--pilot"]])
def test_a_damaged_page_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], before: list[str]) -> None:
    file = tmp_path / "votes.parquet"
    parquet.write_table(csv.read_csv(GOLDEN / "votes.csv"), file)
    whole = file.read_bytes()
    file.write_bytes(whole[:8] + bytes(byte ^ 0xFF for byte in whole[8:200]) + whole[200:])
    assert main([*before, str(file)]) == 2
    assert capsys.readouterr().err.startswith("votes.parquet: the file is damaged: column ")


def test_a_plan_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    run = analysis("plan", "--win-rate", "0.5", folder=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("win_rate is 0.5: no number of votes finds")


def test_a_folder_gets_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, names = tmp_path / "new" / "results", GOLDEN / "votes.csv"
    assert main([str(names), "--out", str(folder), "--json", str(tmp_path / "out.json")]) == 0
    assert (folder / "report.txt").read_text() == capsys.readouterr().out == (GOLDEN / "votes.txt").read_text()
    assert (folder / "summary.json").read_bytes() == (tmp_path / "out.json").read_bytes()
    summary = json.loads((folder / "summary.json").read_text())
    for name in ("systems", "pairs"):
        rows = csv.read_csv(folder / f"{name}.csv").to_pylist()
        expected = [
            {"question": question, **row} for question, found in summary["questions"].items() for row in found[name]
        ]
        assert rows == expected
    assert main([str(names), "--quiet", "--out", str(names)]) == 2
    assert capsys.readouterr().err == f"{names}: cannot be written: File exists.\n"


def test_what_is_asked_for_is_printed_and_a_wrong_wish_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    names = str(GOLDEN / "votes.csv")
    assert main([names, "--details", "--bootstrap", "votes", "--planned-votes", "500"]) == 0
    printed = capsys.readouterr().out
    assert all(title in printed for title in ("Fragility, by vote", "999 draws of votes", "With 500 votes planned."))
    with pytest.raises(SystemExit):
        main([names, "--planned-votes", "0"])
    assert 'planned votes are "0"; allowed are whole numbers from 1' in capsys.readouterr().err


def test_a_plan_with_few_raters_says_what_that_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--win-rate", "0.8"]) == 0
    assert "Warning: with fewer than 15 prompts or raters, intervals are approximate." in capsys.readouterr().out
    assert main(["plan", "--win-rate", "0.6"]) == 0
    assert "Warning" not in capsys.readouterr().out
