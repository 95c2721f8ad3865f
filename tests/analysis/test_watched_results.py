"""The page of results while a study is open: what it shows is valid at every look, and the rest comes at closing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from analysis import snapshots
from comparisons.models import Exclusion, Vote
from comparisons.studies import close_study
from comparisons.study_file import QuestionSpec
from tests.analysis.results import computed, larger_study, study_with_votes
from tests.factories import make_system_spec

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unread_messages")]


def test_an_open_study_has_what_may_be_watched_and_a_closed_one_the_rest(researcher: Client) -> None:
    study = study_with_votes()
    page = computed(study)
    response = researcher.get(page)
    html = response.content.decode()
    watched: Any = snapshots.results(study)["questions"]["quality"]
    (result,) = [each for each in response.context["page"].questions if each.question.key == "quality"]
    assert "its numbers may be watched" in html
    assert result.verdict == watched["always_valid"]["verdict"]
    assert [pair["p_holm"] for pair in result.pairs] == [pair["p_holm"] for pair in watched["always_valid"]["pairs"]]
    estimates = {row["system"]: row for row in watched["always_valid"]["estimates"]}
    for row in result.leaderboard:
        assert row["bt_low"] == estimates[row["system"]]["bt_low"]
        assert row["win_rate_high"] == estimates[row["system"]]["win_rate_high"]
    assert [row["bt_low"] for row in result.leaderboard] != [row["bt_low"] for row in watched["systems"]]

    close_study(study)
    response = researcher.get(computed(study))
    (result,) = [each for each in response.context["page"].questions if each.question.key == "quality"]
    assert "its numbers may be watched" not in response.content.decode()
    assert (result.verdict, result.leaderboard) == ("", snapshots.results(study)["questions"]["quality"]["systems"])


def test_ratings_over_all_questions_may_be_watched_while_it_is_open(researcher: Client) -> None:
    study = larger_study()
    for is_open in (True, False):
        response = researcher.get(computed(study))
        page, charts = response.context["page"], response.context["charts"]
        found: Any = snapshots.results(study)["combined"]
        valid = found["always_valid"] if is_open else {"leader": "", "verdict": "", "systems": found["systems"]}
        assert (page.leader, page.verdict) == (valid["leader"], valid["verdict"])
        ends = {row["system"]: row for row in valid["systems"]}
        for row, fixed, point in zip(page.headline, found["systems"], charts["ratings"]["data"]["values"], strict=True):
            assert (row["system"], row["bt"], row["rank"]) == (fixed["system"], fixed["bt"], fixed["rank"])
            for name in ("bt_low", "bt_high", "rank_low", "rank_high"):
                assert row[name] == point[name] == ends[row["system"]][name]
            shown = f'<td class="range">{row["bt_low"]:.0f} to {row["bt_high"]:.0f}</td>'
            assert shown in response.content.decode()
            assert (row["bt_low"] < fixed["bt_low"]) == is_open
        (chart,) = [chart for chart in page.headline_charts if chart.id == "ratings"]
        assert chart.caption.endswith("hold at every look") == is_open
        assert f"To be sure of first place: <strong>{page.verdict}</strong>" in response.content.decode() or not is_open
        if is_open:
            close_study(study)


def test_what_cannot_be_said_over_all_questions_is_a_sentence(researcher: Client) -> None:
    study = study_with_votes()
    Exclusion.objects.bulk_create(
        Exclusion(vote=vote, reason="asked for it")
        for vote in Vote.objects.filter(assignment__comparison__question__key="quality").exclude(outcome="both_bad")
    )
    response = researcher.get(computed(study))
    page = response.context["page"]
    assert (page.leader, page.verdict) == (
        "",
        "Combined Bradley-Terry ratings do not exist: there are none for quality.",
    )
    assert page.verdict in response.content.decode()
    assert {row["bt_low"] for row in page.headline} == {None}


def test_one_question_has_no_part_over_all(researcher: Client) -> None:
    study = study_with_votes(questions=(QuestionSpec("quality", "Which is better?", tie=True, both_bad=True),))
    response = researcher.get(computed(study))
    assert (response.context["page"].headline, "ratings" in response.context["charts"]) == ([], False)
    assert 'id="headline"' not in response.content.decode()


def test_slices_and_sides_have_what_may_be_watched_while_it_is_open(researcher: Client) -> None:
    study = larger_study()
    for is_open in (True, False):
        response = researcher.get(computed(study))
        (result,) = [each for each in response.context["page"].questions if each.question.key == "quality"]
        question: Any = snapshots.results(study)["questions"]["quality"]
        (chart,) = [chart for chart in result.charts if chart.id == "quality-category"]
        cells = chart.specification["data"]["values"]
        assert chart.caption.endswith("hold at every look") == is_open
        if is_open:
            valid = question["always_valid"]
            rows = {(row["slice"] or "none", row["system"]): row for row in valid["slices"]["category"]}
            for cell in cells:
                row = rows[cell["slice"], cell["system"]]
                assert (cell["raw"], cell["interval"]) == (row["win_rate"], f"{row['low']:.3f} to {row['high']:.3f}")
            assert result.position_bias == valid["position_bias"]
            assert result.position_bias["low"] < question["position_bias"]["low"]
            close_study(study)
        else:
            assert result.position_bias == question["position_bias"]
            assert all(cell["interval"] == f"{cell['low']:.3f} to {cell['high']:.3f}" for cell in cells)


def test_how_fragile_first_place_is_comes_when_it_closes(researcher: Client) -> None:
    study = study_with_votes()
    for is_open in (True, False):
        html = researcher.get(computed(study)).content.decode()
        assert ("How fragile first place is, " in html and "they come when the study closes" in html) == is_open
        assert ("<h3>How fragile first place is</h3>" in html) != is_open
        if is_open:
            close_study(study)


def test_charts_of_latency_and_steps_have_intervals_that_may_be_watched(researcher: Client) -> None:
    systems = (*(make_system_spec("alpha", steps=steps) for steps in (1, 4)), make_system_spec("beta", steps=2))
    study = larger_study(systems=systems)
    response = researcher.get(computed(study))
    question: Any = snapshots.results(study)["questions"]["quality"]
    valid = {row["system"]: row for row in question["always_valid"]["estimates"]}
    (result,) = [each for each in response.context["page"].questions if each.question.key == "quality"]
    found = {chart.id: chart for chart in result.charts}
    for name in ("quality-latency", "quality-steps"):
        assert found[name].caption.endswith("intervals of win rates hold at every look")
        for point in found[name].specification["data"]["values"]:
            for end in ("win_rate_low", "win_rate_high"):
                assert point[end] == valid[point["system"]][end]
                assert point[end] is not None
