"""What a researcher does in the browser."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.e2e.conftest import PASSWORD


def sign_in(page: Page, path: str) -> None:
    page.goto(path)
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{path}")
