"""What a report says, block by block."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest

from analysis.__main__ import main
from comparisons.models import Exclusion, Rater, Study, Vote
from comparisons.protocol import Checks, Protocol, Rules
from comparisons.studies import close_study
from tests.analysis.reported import report_of, table_of, text_of, write
from tests.analysis.votes import cast_votes
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db


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


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study)
    html = write(study, tmp_path)
    page = Page(html)
    outside = [address for address in page.loads if not address.startswith("#")]
    assert outside == ["data:,"]
    assert {address for address in page.loads if address.startswith("#")} <= {f"#{name}" for name in page.ids}
    assert not page.tags & {"script", "iframe", "img", "object", "embed", "form"}
    assert "@import" not in html
    assert "url(" not in html
    assert len(page.ids) == len(set(page.ids))  # charts side by side would share those that Vega gives


def test_it_tells_the_design_the_systems_and_the_numbers(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study, raters=10, each=12)
    close_study(study)
    html = write(study, tmp_path)
    text = text_of(html)
    assert study.design_hash in text
    for question in study.questions.all():
        assert question.wording in text
    for system in study.systems.all():
        assert system.slug in text
        assert system.parsed_spec().model in text
        assert system.fingerprint[:12] in text
    assert html.count("<svg") >= 7  # ratings, win rates and latency of two questions, and their Elo
    assert "People 10 120 0" in text
    assert "K = 1, everyone starts at 1000, all votes played in 1000 random orders" in text
    assert "simulated" not in text.lower()


def test_simulated_votes_are_labelled_in_every_file(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study, raters=2, each=5)
    cast_votes(study, raters=3, each=4, kind=Rater.Kind.SIMULATED)
    text = text_of(write(study, tmp_path))
    assert "12 of 22 votes are simulated." in text
    assert "People 2 10 0" in text
    assert "Simulated 3 12 0" in text
    questions = json.loads((tmp_path / "summary.json").read_text())["questions"].values()
    assert sum(question["simulated_votes"] for question in questions) == 12
    assert all("simulated: bots gave them" in question["warnings"][0] for question in questions)
    drawings = [path.read_text() for path in (tmp_path / "figures").glob("*.svg")]
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


def test_exclusions_are_counted_by_who_made_them_and_results_stand_with_and_without(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study)
    assert "0 votes of 48 are excluded" in text_of(write(study, tmp_path))
    vote = Vote.objects.all()[0]
    Exclusion.objects.create(vote=vote, reason="asked for it")
    Exclusion.objects.create(session=Vote.objects.latest("id").assignment.session, reason="slow", rule="agreement")
    made = report_of(study)
    assert table_of(made, "exclusions") == [["decided by a person", "0", "1"], ["agreement", "1", "0"]]
    both = table_of(made, "with_and_without_exclusions")
    assert {row[0] for row in both} == {"prompt-following", "quality"}
    assert any(without != with_all for _, _, without, with_all, *_ in both)


def test_what_is_left_out_whole_is_said(tmp_path: Path) -> None:
    study = make_open_study()
    cast_votes(study)
    votes = Vote.objects.all()
    of_quality = votes.filter(assignment__comparison__question__key="quality")
    Exclusion.objects.bulk_create(Exclusion(vote=vote, reason="asked for it") for vote in of_quality)
    assert "and left out, of the question &quot;quality&quot;" in text_of(write(study, tmp_path))
    others = votes.exclude(id__in=of_quality)
    Exclusion.objects.bulk_create(Exclusion(vote=vote, reason="asked for it") for vote in others)
    assert "No vote counts: all are left out." in text_of(write(study, tmp_path))


def test_ties_are_also_treated_otherwise_where_there_are_any() -> None:
    study = make_open_study()
    cast_votes(study, raters=10, each=12)
    assert Vote.objects.filter(outcome="tie").exists()
    rows = table_of(report_of(study), "sensitivity")
    assert len(rows) == 2 * 3
    of_quality = [row for row in rows if row[0] == "quality"]
    assert any(len({row[2], row[4], row[6]}) == 3 for row in of_quality)  # as reported, left out, after Davidson


def test_latency_has_its_spread_and_its_sum() -> None:
    study = make_open_study()
    rows = table_of(report_of(study), "latency")
    assert rows[0] == [
        "alpha@4",
        "4",
        "1.0 (1.0 to 1.0)",
        "2.0 (2.0 to 2.0)",
        "3.0 (3.0 to 3.0)",
        "6.0 (6.0 to 6.0)",
        "12.0 (12.0 to 12.0)",
    ]


def test_what_is_not_known_is_said_and_not_invented() -> None:
    rows = {row[0]: row[1] for row in table_of(report_of(make_open_study()), "reporting_list")}
    assert rows["Compensation"] == "not recorded: recruitment.pay of the study file"
    assert rows["Qualifications asked for"].startswith("not recorded")
    assert rows["Number of raters"] == "none yet"
    assert rows["Hardware of generation"] == "cpu"
    assert all(rows.values())


def test_rules_and_checks_are_told_in_words(tmp_path: Path) -> None:
    protocol = Protocol(checks=Checks(repeats=2), rules=Rules(failed_checks=3, agreement=0.4), break_every=9)
    text = text_of(write(make_open_study(protocol=protocol), tmp_path))
    assert "a break offered after every 9 answers" in text
    assert "2 pairs of each question came a second time with sides exchanged" in text
    assert "A rater who failed 3 attention checks or more (failed_checks = 3)" in text
    assert "(agreement = 0.4)" in text
    assert "There were no attention checks." in text


@pytest.mark.parametrize("make_study", [make_open_study, make_draft])
def test_a_study_without_votes_has_a_report(make_study: Callable[[], Study], tmp_path: Path) -> None:
    text = text_of(write(make_study(), tmp_path))
    assert "No votes yet." in text
    assert "Nobody has voted yet." in text


def test_files_that_hold_for_one_look_say_so() -> None:
    files = dict(table_of(report_of(make_open_study()), "files"))
    for name in ("summary.json", "breakdowns.json"):
        assert "of an open study its fixed-sample numbers hold for one look" in files[name]


def test_results_may_be_hidden_until_the_study_closes(tmp_path: Path) -> None:
    study = make_open_study(protocol=Protocol(hide_results_until_closed=True))
    cast_votes(study, raters=4)
    text = text_of(write(study, tmp_path))
    assert "hidden until it is closed" in text
    assert not (tmp_path / "summary.json").exists()
    assert not list((tmp_path / "figures").glob("*"))
    assert (tmp_path / "votes.csv").exists()
    close_study(study)
    assert "hidden until it is closed" not in text_of(write(study, tmp_path))
    assert (tmp_path / "summary.json").exists()


def test_text_of_the_study_is_escaped(tmp_path: Path) -> None:
    study = make_draft(title="<script>alert(1)</script>")
    assert "<script" not in write(study, tmp_path)
