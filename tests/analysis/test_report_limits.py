"""Limits apply by themselves, and only where they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.reporting.html import html
from analysis.reporting.limits import limit_blocks
from analysis.vote_import import import_file
from comparisons.models import Exclusion, Rater, Study, Vote
from comparisons.protocol import Protocol, Recruitment
from comparisons.studies import close_study
from tests.analysis.reported import report_of, source_of, table_of, text_of
from tests.analysis.vote_files import make_rows, write
from tests.analysis.votes import cast_votes
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db


def limits(study: Study) -> str:
    _, items = limit_blocks(source_of(study))
    return "\n".join(items.texts)  # type: ignore[union-attr]


def test_few_prompts_and_raters() -> None:
    study = make_open_study()
    cast_votes(study, raters=20, each=6)
    found = limits(study)
    assert "effective prompts; with fewer than 15, intervals are approximate" in found
    assert "effective raters" not in found


def test_the_state_of_the_study() -> None:
    study = make_open_study()
    assert "The study is open" in limits(study)
    close_study(study)
    found = limits(study)
    assert "The study is open" not in found
    assert "Not all votes that were wanted came: prompt-following 0 of 24 and quality 0 of 24." in found
    assert "The study is a draft" in limits(make_draft(slug="draft"))


def test_simulated_votes_and_exclusions_by_hand() -> None:
    study = make_open_study()
    cast_votes(study, raters=1, each=3, kind=Rater.Kind.SIMULATED)
    assert "rest on decisions of people" not in limits(study)
    Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    found = limits(study)
    assert "3 of 3 votes are simulated" in found
    assert "1 exclusion rest" in found


def test_votes_made_elsewhere(tmp_path: Path) -> None:
    study = make_open_study(votes_wanted=9)
    cast_votes(study, raters=1, each=3)
    assert "elsewhere" not in text_of(html(report_of(study)))
    import_file(study, write(tmp_path / "votes.csv", make_rows(study)), by="ana")
    said = "24 of 27 votes were made elsewhere and imported: this site cannot vouch for how blind they were"
    assert said in limits(study)
    page = text_of(html(report_of(study)))
    assert page.count(said) == 2  # at its head and among the limits
    assert "what their raters agreed to, read and were paid is not recorded" in page
    assert "asked of everybody who came here" in page
    assert "1 rater agreed to take part" in page
    assert table_of(report_of(study), "raters") == [["People", "1", "3", "0"], ["People, elsewhere", "1", "24", "0"]]


def test_a_link_is_open_to_all() -> None:
    assert "Anybody with the link" in limits(make_open_study())
    invited = make_open_study(protocol=Protocol(recruitment=Recruitment(platform="invitation")), slug="invited")
    assert "Anybody with the link" not in limits(invited)
