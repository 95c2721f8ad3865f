"""The study file's table [recruitment]: what it may say, and what consent then promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from comparisons.default_texts import DEFAULT_TEXTS
from comparisons.protocol import Protocol, Recruitment
from comparisons.study_file import StudyFileError
from tests.comparisons.study_texts import GOOD, read

ENGLISH = DEFAULT_TEXTS["en"]
CODES = 'complete_code = "A"\nscreened_out_code = "B"\nfailed_code = "C"\n'


def test_all_that_it_may_say(tmp_path: Path) -> None:
    table = f'platform = "prolific"\npay = "1.50 GBP"\ncontact = "ada@lab.example"\nmax_raters = 40\n{CODES}'
    spec = read(tmp_path, f"{GOOD}\n[recruitment]\n{table}")
    assert spec.protocol.recruitment == Recruitment("prolific", "1.50 GBP", "ada@lab.example", 40, "A", "B", "C")
    assert read(tmp_path, GOOD).protocol == Protocol()


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ('platform = "clickworker"', "platform is 'clickworker'; allowed: link, invitation, prolific, mturk."),
        ("max_raters = 0", "max_raters is 0; allowed: a whole number from 1 to 1000000."),
        (
            f'platform = "prolific"\n{CODES}'.replace('failed_code = "C"\n', ""),
            "failed_code is missing; allowed: the code that Prolific knows for this ending.",
        ),
        (
            CODES.replace('"C"', '"B"'),
            "screened_out_code is 'B'; allowed: a code of its own for each ending.",
        ),
    ],
)
def test_what_is_wrong_gets_one_sentence(tmp_path: Path, table: str, sentence: str) -> None:
    with pytest.raises(StudyFileError) as refused:
        read(tmp_path, f"{GOOD}\n[recruitment]\n{table}")
    assert str(refused.value) == f"{tmp_path / 'study.toml'}: recruitment.{sentence}"


@pytest.mark.parametrize("platform", ["invitation", "prolific", "mturk"])
def test_consent_says_that_somebody_is_known_again(tmp_path: Path, platform: str) -> None:
    table = f'\n[recruitment]\nplatform = "{platform}"\n{CODES}'
    assert read(tmp_path, GOOD + table).consent == f"{ENGLISH.consent} {ENGLISH.known_again}"
    own = GOOD.replace("seed = 7", 'seed = 7\nconsent = "Our own words."')
    assert read(tmp_path, own + table).consent == "Our own words."
    assert read(tmp_path, GOOD).consent == ENGLISH.consent
