"""Every text of the rater's pages is translated, and the compiled catalogues are those of the sources."""

from __future__ import annotations

import gettext
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from comparisons import protocol
from comparisons.protocol import Protocol
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study
from tests.processes import ROOT

LANGUAGES = [language for language in protocol.LANGUAGES if language != "en"]
CATALOGUES = ROOT / "comparisons" / "locale"


def catalogue(file: Path) -> dict[object, str]:
    with file.open("rb") as content:
        found: dict[object, str] = gettext.GNUTranslations(content)._catalog  # type: ignore[attr-defined]
    return {key: text for key, text in found.items() if key}


def test_the_languages_of_study_files_are_those_that_are_translated() -> None:
    assert sorted(LANGUAGES) == sorted(folder.name for folder in CATALOGUES.iterdir())


def test_every_text_is_translated_and_none_is_left_over(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "comparisons", tmp_path / "comparisons", ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "evalsite.settings"}
    command = [sys.executable, "-m", "django", "makemessages", "--all", "--no-location"]
    subprocess.run(command, cwd=tmp_path / "comparisons", env=environment, check=True, capture_output=True)
    for language in LANGUAGES:
        file = tmp_path / "comparisons" / "locale" / language / "LC_MESSAGES" / "django.po"
        for kind in ("--untranslated", "--only-fuzzy", "--only-obsolete"):
            found = subprocess.run(["msgattrib", "--no-wrap", kind, file], check=True, capture_output=True, text=True)
            texts = [line for line in found.stdout.splitlines() if "msgid " in line and line != 'msgid ""']
            assert texts == [], f"{language} {kind}: run make messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(tmp_path: Path, language: str) -> None:
    folder = CATALOGUES / language / "LC_MESSAGES"
    subprocess.run(["msgfmt", "--check", "-o", tmp_path / "fresh.mo", folder / "django.po"], check=True)
    assert catalogue(folder / "django.mo") == catalogue(tmp_path / "fresh.mo")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "direction", "text"),
    [("en", "ltr", "I agree, begin"), ("de", "ltr", "Einverstanden, beginnen"), ("ar", "rtl", "أوافق، لنبدأ")],
)
def test_the_pages_speak_the_language_of_the_study(language: str, direction: str, text: str) -> None:
    study = make_open_study(["a red fox"], protocol=Protocol(language=language, theme="dark"))
    rater = Browser(study)
    for path in ("", "judge/"):
        page = rater.get(path).content.decode()
        assert f'<html lang="{language}" dir="{direction}" data-theme="dark">' in page
        assert (text in page) == (path == "")
        rater.consent()
    assert Browser(make_open_study(["a paper boat"])).get().content.decode().count("I agree, begin") == 1
