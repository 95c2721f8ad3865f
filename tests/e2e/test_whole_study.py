"""A study from a prompt file to its results, by the commands that a researcher types."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.processes import Site

pytestmark = pytest.mark.timeout(300)
PASSWORD = "correct horse battery"
PROMPTS = """Prompt\tCategory\tChallenge\tNote
a "quoted" fox\tAnimals\tSimple Detail\t
two teapots\tArtifacts\tQuantity\t
a cat\tAnimals\tBasic\t
a lighthouse, by night\tWorld Knowledge\tImagination\t
"""
STUDY = """
slug = "whole"
prompt_set = "parti"
seed = 3

[rating]
votes_wanted = 3

[display]
size = 64

[[questions]]
key = "prompt-following"
wording = "Which picture follows the text more closely?"

[[questions]]
key = "quality"
wording = "Which picture has the higher quality?"

[[systems]]
catalogue = "sdxl-turbo"
name = "tiny-turbo"
steps = [1, 2]
model = "./checkpoints/tiny-sdxl-turbo"
width = 64
height = 64
dtype = "float32"

[[systems]]
catalogue = "lcm-xl"
name = "tiny-lcm"
steps = 1
model = "./checkpoints/tiny-sdxl"
unet = "./checkpoints/tiny-lcm-unet"
vae = "./checkpoints/tiny-sdxl/vae"
width = 64
height = 64
dtype = "float32"
"""
RESULTS = "/studies/whole/results/"
VOTES = 3 * 3 * 2 * 3  # pairs, prompts, questions, votes wanted
# Else one of the three sometimes wins or loses all of its votes, and then has no rating.
EQUALLY_STRONG = [f"--strength={system}=0" for system in ("tiny-turbo@1", "tiny-turbo@2", "tiny-lcm@1")]


def dashboard(url: str) -> str:
    """The study's results, as somebody who signs in sees them."""
    with requests.Session() as browser:
        form = browser.get(f"{url}/login/", timeout=60).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token
        fields = {"username": "ada", "password": PASSWORD, "next": RESULTS, "csrfmiddlewaretoken": token[1]}
        page = browser.post(f"{url}/login/", fields, headers={"Referer": url}, timeout=60)
        assert page.url == f"{url}{RESULTS}"
        return page.text


def assert_dashboard_shows(page: str, summary: dict[str, Any]) -> None:
    cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", page, re.DOTALL)]
    for question in summary["questions"].values():
        for row in question["systems"]:
            shown = [cells[at : at + 12] for at, cell in enumerate(cells) if cell == row["system"]]
            votes = f"{row['votes']} votes on {row['system']}"
            numbers = {f"{row['win_rate']:.2f}", f"{row['bt']:.0f}", f"{row['elo']:.1f}", votes}
            assert any(numbers <= set(line) for line in shown), (numbers, shown)


def test_from_a_prompt_file_to_one_set_of_numbers(tmp_path: Path, checkpoints: Path) -> None:
    site = Site(tmp_path / "site", {"DJANGO_SUPERUSER_PASSWORD": PASSWORD})
    shutil.copytree(checkpoints, site.folder / "checkpoints")
    (tmp_path / "prompts.tsv").write_text(PROMPTS)
    (tmp_path / "study.toml").write_text(STUDY)
    site.manage("migrate", "--no-input")
    site.manage("createsuperuser", "--no-input", "--username", "ada", "--email", "ada@example.org")
    assert "3 prompts, imported" in site.manage(
        "import_prompts", tmp_path / "prompts.tsv", "--set", "parti", "--exclude-challenge", "Basic"
    )
    assert "3 systems, 3 prompts, 2 question(s)" in site.manage("create_study", tmp_path / "study.toml")
    assert "Raters' address: /r/" in site.manage("open_study", "whole")

    with site.broker(), site.worker():
        made = site.manage("generate", "whole", "--wait")
    assert "9 new, 0 to try again, 9 in all." in made
    assert "9 images are there, and 18 comparisons are ready to be judged." in made
    assert site.rows("SELECT count(*) FROM comparisons_comparison") == [(18,)]

    with site.server() as url:
        site.manage("simulate_raters", "whole", "--raters", "4", "--seed", "5", "--url", url, *EQUALLY_STRONG)
        site.manage("close_study", "whole")
        site.manage("compute_results", "whole")
        page = dashboard(url)

    report, alone = tmp_path / "report", tmp_path / "alone.json"
    site.manage("export_votes", "whole", "--out", tmp_path / "votes.csv")
    site.manage("report", "whole", "--out", report)
    site.python("-m", "analysis", tmp_path / "votes.csv", "--quiet", "--json", alone)

    (stored,) = site.rows("SELECT results FROM analysis_snapshot WHERE kind = 'results'")
    summary = json.loads((report / "summary.json").read_text())
    assert json.loads(stored[0]) == summary == json.loads(alone.read_text())
    assert sum(question["votes"] for question in summary["questions"].values()) == VOTES
    assert (report / "votes.csv").read_text() == (tmp_path / "votes.csv").read_text()
    assert_dashboard_shows(page, summary)
