"""Raters' pages and management commands start without what only researchers' pages need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
START = """
import sys, django
django.setup()
import evalsite.urls
print(sorted({"altair", "numpy", "pandas", "scipy", "torch", "vl_convert"} & set(sys.modules)))
"""


def test_the_site_s_addresses_import_no_numerics() -> None:
    run = subprocess.run([sys.executable, "-c", START], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
