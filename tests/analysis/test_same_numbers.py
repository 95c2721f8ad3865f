"""Dashboard, report and command line show one set of numbers, to the last digit."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from analysis.__main__ import main
from analysis.numbers import planned_votes
from analysis.snapshots import compute_due, results
from analysis.stats.rows import combined_rows
from comparisons.models import Exclusion, RaterSession, Study, Vote
from comparisons.studies import close_study
from tests.analysis.reported import write
from tests.analysis.votes import cast_votes
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db


def study_with_votes(raters: int, each: int, *, is_closed: bool = True) -> Study:
    study = make_open_study()
    cast_votes(study, raters, each)
    if is_closed:
        close_study(study)
    return study


def analyse(folder: Path, *options: str) -> bytes:
    """What the command line makes of the report's votes."""
    out = folder / "again.json"
    assert main([str(folder / "votes.csv"), "--quiet", "--json", str(out), *options]) == 0
    return out.read_bytes()


class Tables(HTMLParser):
    """The numbers of a page's tables, in full, by caption: row by row, each of a cell's numbers by itself."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[float]]] = {}
        self._caption = ""
        self._is_caption = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "caption":
            self._caption, self._is_caption = "", True
        elif tag == "tr":
            self.found.setdefault(self._caption, []).append([])
        elif tag == "data":
            self.found[self._caption][-1] += map(float, (dict(attrs)["value"] or "").split())

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self._is_caption = False

    def handle_data(self, data: str) -> None:
        if self._is_caption:
            self._caption += data

    def rows(self, start: str) -> list[list[float]]:
        """Without the heads, which hold no numbers."""
        (rows,) = [rows for caption, rows in self.found.items() if caption.startswith(start)]
        return [row for row in rows if row]


def latex_rows(path: Path) -> list[list[str]]:
    lines = [line.strip() for line in path.read_text().splitlines() if line.endswith(r" \\") and "caption" not in line]
    return [line.removesuffix(r" \\").split(" & ") for line in lines[1:]]


def known(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None]


@pytest.mark.parametrize(("raters", "each"), [(10, 20), (1, 2)])
def test_the_export_alone_gives_the_report_s_numbers(raters: int, each: int, tmp_path: Path) -> None:
    study = study_with_votes(raters, each)
    write(study, tmp_path)
    again = analyse(tmp_path)
    assert again == (tmp_path / "summary.json").read_bytes()
    assert json.loads(again) == results(study)


def test_it_does_while_the_study_is_open(tmp_path: Path) -> None:
    study = study_with_votes(raters=10, each=20, is_closed=False)
    write(study, tmp_path)
    again = analyse(tmp_path, "--planned-votes", str(planned_votes(study)))
    assert again == (tmp_path / "summary.json").read_bytes()
    assert "always_valid" in again.decode()


def test_what_may_be_watched_over_all_questions_is_the_same_everywhere(researcher: Client, tmp_path: Path) -> None:
    study = make_open_study(texts=[f"a fox with {number} tails" for number in range(14)])
    study.prompt_set.prompts.filter(position__lt=7).update(category="Places")
    cast_votes(study, raters=10, each=40)
    report = Tables(write(study, tmp_path))
    again = json.loads(analyse(tmp_path, "--planned-votes", str(planned_votes(study))))
    valid = {row["system"]: row for row in again["combined"]["always_valid"]["systems"]}
    expected = [{**row, **valid[row["system"]]} for row in again["combined"]["systems"]]
    names = ("rank", "rank_low", "rank_high", "bt", "bt_low", "bt_high")
    assert report.rows("All questions") == [
        [*(row[name] for name in names), again["headline_elo"][row["system"]]] for row in expected
    ]
    compute_due()
    page = researcher.get(f"/studies/{study.slug}/results/").context["page"]
    assert page.headline == [{**row, "elo": again["headline_elo"][row["system"]]} for row in expected]
    assert page.verdict == again["combined"]["always_valid"]["verdict"]
    for result in page.questions:
        watched = again["questions"][result.question.key]["always_valid"]
        assert result.position_bias == watched["position_bias"]
        (chart,) = [chart for chart in result.charts if chart.id == f"{result.question.key}-category"]
        assert [(cell["raw"], cell["interval"]) for cell in chart.specification["data"]["values"]] == [
            (row["win_rate"], f"{row['low']:.3f} to {row['high']:.3f}") for row in watched["slices"]["category"]
        ]


def test_page_table_and_paper_hold_every_number_of_the_summary(tmp_path: Path) -> None:
    study = study_with_votes(raters=10, each=20)
    page, summary = Tables(write(study, tmp_path)), results(study)
    combined = combined_rows(summary)
    assert page.rows("All questions") == [
        known(
            [
                *(row["rank"], row["rank_low"], row["rank_high"]),
                *(row["bt"], row["bt_low"], row["bt_high"]),
                summary["headline_elo"][row["system"]],
            ]
        )
        for row in combined
    ]
    assert [(row[2], row[3], row[5]) for row in latex_rows(tmp_path / "tables/headline.tex")] == [
        (row["system"], f"{row['bt']:.1f}", f"{summary['headline_elo'][row['system']]:.1f}") for row in combined
    ]
    for key, found in summary["questions"].items():
        of_systems = [
            known(
                [
                    *(row["rank"], row["rank_low"], row["rank_high"]),
                    *(row["win_rate"], row["win_rate_low"], row["win_rate_high"]),
                    *(row["bt"], row["bt_low"], row["bt_high"]),
                    *(row["elo"], row["elo_order_sd"], row["votes"]),
                ]
            )
            for row in found["systems"]
        ]
        assert page.rows(f"Leaderboard, {key}") == of_systems
        of_pairs = [
            known([pair["win_rate"], pair["low"], pair["high"], pair["p"], pair["p_holm"], pair["votes"]])
            for pair in found["pairs"]
        ]
        assert page.rows(f"Pairs, {key}") == of_pairs
        in_latex = [(row[2], row[3], row[5], row[7]) for row in latex_rows(tmp_path / f"tables/{key}_leaderboard.tex")]
        assert in_latex == [
            (row["system"], f"{row['win_rate']:.3f}", f"{row['bt']:.1f}", f"{row['elo']:.1f}")
            for row in found["systems"]
        ]


def test_csv_files_hold_every_digit(tmp_path: Path) -> None:
    study = study_with_votes(raters=10, each=20)
    write(study, tmp_path)
    for name, part in (("leaderboard.csv", "systems"), ("win_rates.csv", "pairs")):
        with (tmp_path / name).open(newline="") as file:
            rows = [{key: value for key, value in row.items() if value} for row in csv.DictReader(file)]
        questions: dict[str, Any] = results(study)["questions"]
        stored = [{"question": key, **row} for key, found in questions.items() for row in found[part]]
        assert rows == [{key: str(value) for key, value in row.items() if value is not None} for row in stored]
    with (tmp_path / "combined.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {key: str(value) for key, value in row.items()} for row in combined_rows(results(study))
        ]


def test_breakdowns_are_those_of_the_command_line(tmp_path: Path) -> None:
    study = study_with_votes(raters=10, each=20)
    study.prompt_set.prompts.filter(position__lt=2).update(category="Places")
    page = Tables(write(study, tmp_path))
    again = json.loads(analyse(tmp_path, "--details"))["questions"]
    stored = json.loads((tmp_path / "breakdowns.json").read_text())
    for key, parts in stored.items():
        assert parts == {name: again[key]["details"][name] for name in parts}
        slices = parts["breakdowns"]["category"]["slices"]
        columns = ("votes", "raw", "pooled", "low", "high")
        assert page.rows(f"Win rates by category, {key}") == [known([row[name] for name in columns]) for row in slices]


def test_the_dashboard_shows_the_stored_numbers(researcher: Client) -> None:
    study = study_with_votes(raters=10, each=20)
    compute_due()
    page = researcher.get(f"/studies/{study.slug}/results/").context["page"]
    summary = results(study)
    assert {result.question.key: result.leaderboard for result in page.questions} == {
        key: found["systems"] for key, found in summary["questions"].items()
    }
    for result in page.questions:
        pairs: list[Any] = result.pairs
        stored: list[Any] = summary["questions"][result.question.key]["pairs"]
        assert [{name: pair[name] for name in row} for pair, row in zip(pairs, stored, strict=True)] == stored
    assert {row["system"]: row["elo"] for row in page.headline} == summary["headline_elo"]
    assert [{**row, "elo": summary["headline_elo"][row["system"]]} for row in combined_rows(summary)] == page.headline


def test_an_exclusion_is_heeded_by_both(tmp_path: Path) -> None:
    study = study_with_votes(raters=6, each=12)
    Exclusion.objects.create(vote=Vote.objects.all()[3], reason="asked for it")
    Exclusion.objects.create(session=RaterSession.objects.latest("id"), reason="asked for it")
    write(study, tmp_path)
    assert analyse(tmp_path) == (tmp_path / "summary.json").read_bytes()
    assert "marked as excluded" in (tmp_path / "report.html").read_text()


def test_the_export_can_be_weighted_by_the_probability_of_its_draws(tmp_path: Path) -> None:
    write(study_with_votes(raters=10, each=12), tmp_path)
    found = json.loads(analyse(tmp_path, "--weights", "probability"))
    plain = json.loads(analyse(tmp_path))
    for name, question in found["questions"].items():
        weighted = {row["system"]: row["bt"] for row in question["weighted"]["systems"]}
        assert weighted == pytest.approx({row["system"]: row["bt"] for row in plain["questions"][name]["systems"]})
