"""Chromium draws a study's charts, in light and in dark; its tables sort and filter; new numbers come by themselves.

That no page breaks its policy, the context fixture sees.
"""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Running
from tests.e2e.research import sign_in

VOTE = """
import django
django.setup()
from comparisons.models import Study
from tests.analysis.votes import cast_votes

cast_votes(Study.objects.get(slug="long"), raters=10, each=12)
"""
RESULTS = "/studies/long/results/"
NAMES = "figure[data-chart='quality-ratings'] .role-axis-label text"
LEADERBOARD = "[aria-label='Leaderboard: quality']"


def compute(running: Running) -> None:
    running.site.python("-c", VOTE)
    running.site.manage("compute_results", "long")


def test_the_dashboard_and_the_report_draw_every_chart(page: Page, running: Running) -> None:
    compute(running)
    page.emulate_media(color_scheme="light")
    sign_in(page, RESULTS)
    expect(page.locator("figure[data-chart] .drawing svg")).to_have_count(8)
    for name in ("alpha@4", "beta@4", "gamma@4"):
        expect(page.locator(NAMES, has_text=name)).to_be_visible()

    page.locator("figure[data-chart='quality-win-rates'] .mark-rect path").first.hover()
    expect(page.locator("#vg-tooltip-element")).to_have_text(re.compile(r"preferred:?\s*0\.\d{3}"))

    light = page.locator(NAMES).first.get_attribute("fill")
    page.emulate_media(color_scheme="dark")
    expect(page.locator(NAMES).first).not_to_have_attribute("fill", str(light))

    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^Preference against latency.* as SVG$")).first.click()
    assert download.value.suggested_filename.endswith("-latency.svg")


def test_a_chart_s_table_leads_to_the_votes(page: Page, running: Running) -> None:
    compute(running)
    sign_in(page, RESULTS)
    chart = page.locator("figure[data-chart='quality-win-rates']")
    chart.get_by_text("The numbers of this chart").click()
    chart.locator("tbody a").first.click()
    expect(page).to_have_url(re.compile(r"/studies/long/votes/\?question=quality&excluded=no&system=.+&opponent=.+"))


def test_tables_sort_and_filter_by_keyboard(page: Page, running: Running) -> None:
    compute(running)
    sign_in(page, RESULTS)
    table = page.locator(LEADERBOARD)
    names = table.locator("tbody th")
    at_first = names.all_text_contents()
    votes = table.get_by_role("button", name="Votes")
    votes.focus()
    page.keyboard.press("Enter")
    head = table.locator("th", has=page.get_by_role("button", name="Votes"))
    expect(head).to_have_attribute("aria-sort", "descending")
    counts = [int(re.sub(r"\D", "", text)) for text in table.locator("tbody td:last-child").all_text_contents()]
    assert counts == sorted(counts, reverse=True)
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Enter")
    expect(table.locator("[aria-sort]")).to_have_count(0)
    assert names.all_text_contents() == at_first

    page.get_by_text("All 3 pairs of systems").last.click()
    page.get_by_role("searchbox", name="System").last.fill("alpha gamma")
    pairs = page.get_by_role("region", name="Pairs: quality")
    expect(pairs.locator("tbody tr:visible")).to_have_count(1)
    expect(page.get_by_text("1 of 3")).to_be_visible()


def test_new_numbers_come_by_themselves_and_are_offered_to_who_is_at_work(page: Page, running: Running) -> None:
    compute(running)
    sign_in(page, RESULTS)
    before = page.locator("[data-computed]").get_attribute("data-computed")
    compute(running)
    expect(page.locator("[data-computed]")).not_to_have_attribute("data-computed", str(before))
    expect(page.get_by_role("link", name="New numbers are there: show them")).to_be_hidden()

    page.get_by_text("All 3 pairs of systems").first.click()
    compute(running)
    expect(page.get_by_role("link", name="New numbers are there: show them")).to_be_visible()
    expect(page.get_by_role("region", name="Pairs: prompt-following")).to_be_visible()
