"""Bots with planted strengths rate a running site over HTTP: the statistics find what was planted."""

from __future__ import annotations

import csv
import json
import re
import sys
import time
from collections import Counter
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from tests.e2e.conftest import Running
from tests.processes import Site, wait_for

STRENGTHS = {"gamma@4": 2.25, "alpha@4": 0.75, "delta@4": -0.75, "beta@4": -2.25}  # best first
RATERS = 12


def test_bradley_terry_recovers_the_planted_order(running: Running, tmp_path: Path) -> None:
    planted = [f"--strength={system}={strength}" for system, strength in STRENGTHS.items()]
    command = ["simulate_raters", "planted", "--raters", str(RATERS), "--seed", "1", "--url", running.url]
    printed = running.site.manage(*command, *planted)
    assert printed.splitlines()[1:] == ["  +2.25  gamma@4", "  +0.75  alpha@4", "  -0.75  delta@4", "  -2.25  beta@4"]

    file, results = tmp_path / "votes.csv", tmp_path / "results.json"
    running.site.manage("export_votes", "planted", "--out", file)
    with file.open(newline="") as lines:
        votes = list(csv.DictReader(lines))
    answers = re.match(r"(\d+) answers", printed)
    assert answers
    assert len(votes) == int(answers[1]) > 200
    assert {vote["rater_kind"] for vote in votes} == {"simulated"}
    assert max(Counter(vote["rater"] for vote in votes).values()) <= 24
    quotas = running.site.rows(
        "SELECT c.done, c.votes_wanted, c.open_leases FROM comparisons_comparison c JOIN comparisons_question q "
        "ON q.id = c.question_id JOIN comparisons_study s ON s.id = q.study_id WHERE s.slug = 'planted'"
    )
    assert sum(done for done, _, _ in quotas) == len(votes)
    assert all(done <= wanted and open_leases == 0 for done, wanted, open_leases in quotas)

    running.site.python("-m", "analysis", file, "--quiet", "--json", results)
    (question,) = json.loads(results.read_text())["questions"].values()
    systems = sorted(question["systems"], key=lambda row: -row["bt"])
    assert [row["system"] for row in systems] == list(STRENGTHS)
    # A difference of strengths of d is 400 d / ln 10 on Elo's scale, here 261; four standard errors are left to noise.
    found = [first["bt"] - second["bt"] for first, second in pairwise(systems)]
    assert all(60 < gap < 600 for gap in found), found


def test_the_platform_finds_the_truth_and_the_bad_ones_and_spares_the_good(running: Running, tmp_path: Path) -> None:
    """They come as Prolific's people, practise, and are checked."""
    log, file, results = tmp_path / "who.csv", tmp_path / "votes.csv", tmp_path / "results.json"
    planted = [f"--strength={system}={strength}" for system, strength in STRENGTHS.items()]
    mix = "competent=7,noisy=1,lazy=2,left-biased=2,fast=2,dropper=1"
    options = ["--mix", mix, "--seed", "3", "--url", running.url, "--log", str(log)]
    running.site.manage("simulate_raters", "mixed", *options, *planted)
    applied = running.site.manage("apply_rules", "mixed")
    assert re.match(r"\d+ newly left out", applied)

    with log.open(newline="") as lines:
        who = {row["session"].replace("-", ""): row["character"] for row in csv.DictReader(lines)}
    assert Counter(who.values()) == {"competent": 7, "noisy": 1, "lazy": 2, "left-biased": 2, "fast": 2, "dropper": 1}
    excluded = running.site.rows(
        "SELECT s.public_id, e.rule FROM comparisons_exclusion e "
        "JOIN comparisons_ratersession s ON s.id = e.session_id "
        "JOIN comparisons_study study ON study.id = s.study_id WHERE study.slug = 'mixed'"
    )
    assert Counter(who[session] for session, _ in excluded) == {"lazy": 2, "left-biased": 2, "fast": 2}, excluded

    running.site.manage("export_votes", "mixed", "--out", file)
    running.site.python("-m", "analysis", file, "--quiet", "--json", results)
    (question,) = json.loads(results.read_text())["questions"].values()
    systems = sorted(question["systems"], key=lambda row: -row["bt"])
    assert [row["system"] for row in systems] == list(STRENGTHS)


def test_raters_of_the_same_seed_come_again(running: Running) -> None:
    """Their answers are new ones, in the same study and in others."""
    command = ["simulate_raters", "long", "--raters", "1", "--seed", "5", "--url", running.url]
    for _ in range(2):
        assert re.match(r"[1-9]\d* answers", running.site.manage(*command))
    keys = running.site.rows("SELECT client_key FROM comparisons_vote")
    assert len(set(keys)) == len(keys) > 0


def test_bots_outlast_a_restart_of_the_site(running: Running, tmp_path: Path) -> None:
    """A second server of the same site is killed while they rate, and comes back."""
    site, log = Site(running.site.folder), tmp_path / "who.csv"
    stored = "SELECT COUNT(*) FROM comparisons_vote"
    before = site.rows(stored)[0][0]
    options = ["--raters", "3", "--seed", "6", "--log", str(log)]
    with ExitStack() as first:
        url = first.enter_context(site.server())
        command = [sys.executable, "manage.py", "simulate_raters", "long", *options, "--url", url]
        with site.process("bots", command) as bots:
            wait_for(lambda: bots.poll() is not None or site.rows(stored)[0][0] > before + 3, "the first answers")
            first.close()
            time.sleep(1)
            assert bots.poll() is None, site.log("bots")
            with site.server(port=int(url.rpartition(":")[2])):
                assert bots.wait(120) == 0, site.log("bots")
    with log.open(newline="") as lines:
        answers = [int(row["answers"]) for row in csv.DictReader(lines)]
    assert answers == [24, 24, 24]
    assert site.rows(stored)[0][0] - before == sum(answers), "each answer was stored once"


def test_a_site_that_does_not_answer_is_one_sentence(running: Running) -> None:
    command = ["simulate_raters", "planted", "--raters", "1", "--seed", "1", "--url", "http://127.0.0.1:9"]
    ended = running.site.try_python("manage.py", *command)
    assert ended.returncode == 1
    assert "--url is 'http://127.0.0.1:9': the site does not answer" in ended.stderr
    assert "Traceback" not in ended.stderr
