"""A study of trained systems whose true order the oracle knows: its votes lead the analysis to the same order."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean

import pytest

from tests.processes import ROOT, Site

pytestmark = pytest.mark.timeout(600)
STEPS = (1, 4, 25)
STUDY = f"""
slug = "worlds"
prompt_set = "worlds"
seed = 11

[rating]
votes_wanted = 8
judgements_per_question = 24

[display]
size = 128

[[questions]]
key = "prompt-following"
wording = "Which picture follows the text more closely?"

[[questions]]
key = "quality"
wording = "Which picture has the higher quality?"

[[systems]]
name = "toy"
backend = "diffusers"
pipeline = "StableDiffusionXLPipeline"
model = "./toyzoo/toy-sdxl"
steps = {list(STEPS)}
guidance_scale = 4.0
width = 128
height = 128
dtype = "float32"
"""


def order_of_the_oracle(file: Path) -> dict[str, list[str]]:
    """By question, best first."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            found[row["question"]][row["system"]].append(float(row["strength"]))
    return {question: sorted(systems, key=lambda system: -mean(systems[system])) for question, systems in found.items()}


def test_the_analysis_finds_the_order_that_the_oracle_knows(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    (site.folder / "toyzoo").symlink_to(ROOT / "toyzoo" / "weights")
    (tmp_path / "study.toml").write_text(STUDY)
    site.manage("migrate", "--no-input")
    evaluation = ROOT / "toyzoo" / "domain" / "evaluation.tsv"
    site.manage("import_prompts", evaluation, "--set", "worlds", "--sample", "12")
    site.manage("create_study", tmp_path / "study.toml")
    site.manage("open_study", "worlds")
    with site.broker(), site.worker():
        assert "36 images are there" in site.manage("generate", "worlds", "--wait")

    scores, votes, results = tmp_path / "scores.csv", tmp_path / "votes.csv", tmp_path / "results.json"
    site.python("-m", "toyzoo.oracle.score", "worlds", "--out", scores)
    bots: list[str | Path] = ["--raters", "16", "--seed", "3", "--strengths", scores]
    with site.server() as url:
        site.manage("simulate_raters", "worlds", *bots, "--url", url)
    site.manage("export_votes", "worlds", "--out", votes)
    site.python("-m", "analysis", votes, "--quiet", "--json", results)

    questions = json.loads(results.read_text())["questions"]
    assert {question: found["votes"] for question, found in questions.items()} == {
        "prompt-following": 288,
        "quality": 288,
    }
    found = {
        question: [row["system"] for row in sorted(result["systems"], key=lambda row: -row["win_rate"])]
        for question, result in questions.items()
    }
    assert found == order_of_the_oracle(scores)
    assert found["prompt-following"][0] == "toy@25"
    assert found["prompt-following"][-1] == "toy@1", "more steps follow the text better"
