"""What takes long to import is imported when something needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
START = """
import sys, django
django.setup()
import evalsite.urls
print(sorted({"numpy", "pandas", "scipy", "torch", "typst", "vl_convert"} & set(sys.modules)))
"""


def test_the_site_s_addresses_import_no_numerics() -> None:
    run = subprocess.run([sys.executable, "-c", START], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


STATISTICS = """
import sys
{}
slow = {{"numba", "pandas", "pyarrow.compute", "scipy.linalg", "scipy.optimize", "scipy.stats"}}
print(sorted(slow & set(sys.modules)))
"""
SUMMARY = """
from analysis.stats import VoteTable, summarise
summarise(VoteTable.from_csv("tests/golden/votes.csv"))
"""


@pytest.mark.parametrize(
    ("program", "needed"),
    [("import analysis.stats", "[]"), (SUMMARY, "['numba', 'pyarrow.compute', 'scipy.linalg']")],
    ids=["import", "summary"],
)
def test_statistics_import_what_they_are_asked_for(program: str, needed: str) -> None:
    command = [sys.executable, "-c", STATISTICS.format(program)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == f"{needed}\n"
