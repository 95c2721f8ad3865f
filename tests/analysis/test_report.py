from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from analysis.__main__ import main
from comparisons.models import Exclusion, Rater, Study, Vote
from tests.analysis.votes import cast_votes
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db


def report(study: Study, folder: Path) -> str:
    call_command("report", study.slug, out=folder, stdout=StringIO())
    return (folder / "report.html").read_text()


def text_of(html: str) -> str:
    body = html.partition("</head>")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


class Page(HTMLParser):
    """What a page is made of: its tags, the addresses that it loads, its ids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "srcset", "data", "action"}:
                self.loads.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def test_the_files_of_a_report(tmp_path: Path) -> None:
    study, said = make_open_study(), StringIO()
    cast_votes(study)
    call_command("report", study.slug, out=tmp_path / "report", stdout=said)
    names = ["report.html", "votes.csv", "leaderboard.csv", "win_rates.csv", "summary.json"]
    assert said.getvalue().splitlines() == [f"Wrote {tmp_path / 'report' / name}" for name in names]
    assert {path.name for path in (tmp_path / "report").iterdir()} == set(names)


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study)
    html = report(study, tmp_path)
    page = Page(html)
    assert page.loads == ["data:,"]
    assert not page.tags & {"script", "iframe", "img", "object", "embed", "form"}
    assert "@import" not in html
    assert "url(" not in html
    assert page.ids == []  # charts side by side would share those that Vega gives


def test_it_tells_the_design_the_systems_and_the_numbers(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study, raters=10, each=12)
    html = report(study, tmp_path)
    text = text_of(html)
    assert study.design_hash in text
    for question in study.questions.all():
        assert question.wording in text
    for system in study.systems.all():
        assert system.slug in text
        assert system.parsed_spec().model in text
    assert html.count("<svg") == 7  # ratings, win rates and latency of two questions, and their Elo
    assert "median over the system's images, made on cpu" in text
    assert "People 10 120 0" in text
    assert "K = 1, everyone starts at 1000, all votes played in 1000 random orders" in text
    assert "simulated" not in text.lower()


def test_simulated_votes_are_labelled_in_every_file(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study, raters=2, each=5)
    cast_votes(study, raters=3, each=4, kind=Rater.Kind.SIMULATED)
    text = text_of(report(study, tmp_path))
    assert "12 of 22 votes are simulated." in text
    assert text.count("With simulated votes.") == 2
    assert "People 2 10 0" in text
    assert "Simulated 3 12 0" in text
    questions = json.loads((tmp_path / "summary.json").read_text())["questions"].values()
    assert sum(question["simulated_votes"] for question in questions) == 12
    assert all("simulated: bots gave them" in question["warnings"][0] for question in questions)
    drawings = re.findall(r"<svg.*?</svg>", (tmp_path / "report.html").read_text(), re.DOTALL)
    assert len(drawings) >= 5
    assert all("votes are simulated" in drawing for drawing in drawings)
    for name, sides in (("leaderboard.csv", 2), ("win_rates.csv", 1)):
        with (tmp_path / name).open(newline="") as lines:
            assert sum(int(row["simulated_votes"]) for row in csv.DictReader(lines)) == sides * 12
    with (tmp_path / "votes.csv").open(newline="") as lines:
        assert [row["rater_kind"] for row in csv.DictReader(lines)].count("simulated") == 12
    said = StringIO()
    with redirect_stdout(said):
        main([str(tmp_path / "votes.csv")])
    assert said.getvalue().count("simulated: bots gave them") == 2


def test_votes_of_people_have_no_such_label(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study, raters=2, each=5)
    assert "simulated" not in text_of(report(study, tmp_path)).lower()


def test_excluded_votes_are_counted(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study)
    assert "0 votes are excluded" in text_of(report(study, tmp_path))
    Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    assert "1 vote is excluded" in text_of(report(study, tmp_path))


@pytest.mark.parametrize("make_study", [make_open_study, make_draft])
def test_a_study_without_votes_has_a_report(make_study: Callable[[], Study], tmp_path: Path) -> None:
    text = text_of(report(make_study(), tmp_path))
    assert "No votes yet." in text
    assert "Nobody has voted yet." in text


def test_text_of_the_study_is_escaped(tmp_path: Path) -> None:
    study = make_draft(title="<script>alert(1)</script>")
    assert "<script" not in report(study, tmp_path)
