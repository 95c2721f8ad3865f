"""Dashboard, report and command line show one set of numbers, to the last digit."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from analysis.__main__ import main
from analysis.snapshots import results
from comparisons.models import Exclusion, RaterSession, Study, Vote
from tests.analysis.votes import cast_votes
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db


def study_with_votes(raters: int, each: int) -> Study:
    study = make_open_study()
    cast_votes(study, raters, each)
    return study


@pytest.mark.parametrize(("raters", "each"), [(10, 20), (1, 2)])
def test_the_export_alone_gives_the_report_s_numbers(raters: int, each: int, tmp_path: Path) -> None:
    study = study_with_votes(raters, each)
    call_command("report", study.slug, out=tmp_path, stdout=StringIO())
    assert main([str(tmp_path / "votes.csv"), "--quiet", "--json", str(tmp_path / "again.json")]) == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "summary.json").read_bytes()
    assert json.loads((tmp_path / "again.json").read_text()) == results(study)


def test_the_dashboard_shows_the_stored_numbers(client: Client) -> None:
    study = study_with_votes(raters=10, each=20)
    client.force_login(User.objects.create_user("ana", is_staff=True))
    context = client.get(f"/studies/{study.slug}/").context
    summary = results(study)
    shown = {result.question.key: (result.leaderboard, result.pairs) for result in context["results"]}
    assert shown == {key: (found["systems"], found["pairs"]) for key, found in summary["questions"].items()}
    assert {row.system: row.elo for row in context["headline"]} == summary["headline_elo"]


def test_an_exclusion_is_heeded_by_both(tmp_path: Path) -> None:
    study = study_with_votes(raters=6, each=12)
    Exclusion.objects.create(vote=Vote.objects.all()[3], reason="asked for it")
    Exclusion.objects.create(session=RaterSession.objects.latest("id"), reason="asked for it")
    call_command("report", study.slug, out=tmp_path, stdout=StringIO())
    assert main([str(tmp_path / "votes.csv"), "--quiet", "--json", str(tmp_path / "again.json")]) == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "summary.json").read_bytes()
