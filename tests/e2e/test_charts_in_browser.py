"""Chromium draws a study's charts, in light and in dark. That no page breaks its policy, the context fixture sees."""

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
NAMES = "figure[data-chart='quality-ratings'] .role-axis-label text"


def test_the_dashboard_and_the_report_draw_every_chart(page: Page, running: Running) -> None:
    running.site.python("-c", VOTE)
    page.emulate_media(color_scheme="light")
    sign_in(page, "/studies/long/")
    expect(page.locator("figure[data-chart] .drawing svg")).to_have_count(7)
    for name in ("alpha@4", "beta@4", "gamma@4"):
        expect(page.locator(NAMES, has_text=name)).to_be_visible()

    page.locator("figure[data-chart='quality-win-rates'] .mark-rect path").first.hover()
    expect(page.locator("#vg-tooltip-element")).to_have_text(re.compile(r"preferred:?\s*0\.\d{3}"))

    light = page.locator(NAMES).first.get_attribute("fill")
    page.emulate_media(color_scheme="dark")
    expect(page.locator(NAMES).first).not_to_have_attribute("fill", str(light))

    page.goto("/studies/long/report/")
    expect(page.locator("figure svg")).to_have_count(7)
    line = page.locator("thead th").first.evaluate("cell => getComputedStyle(cell).borderBottomStyle")
    assert line == "solid"  # the page's own style is allowed
