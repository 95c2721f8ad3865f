"""The page and the file that describe the API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from django.test import Client

from api.interface import schema

ROOT = Path(__file__).parents[2]
START = """
import sys, django
django.setup()
from django.urls import reverse
reverse("api:reference")
print(sorted({"ninja", "pydantic"} & set(sys.modules)))
"""


def test_the_page_has_every_operation() -> None:
    page = Client().get("/api/").content.decode()
    for path, methods in schema()["paths"].items():
        for method, details in methods.items():
            assert f"<b>{method.upper()}</b> {path}</code>" in page
            assert f'id="{details["operationId"]}"' in page
    assert "<script" not in page and "style=" not in page


def test_the_file_is_the_description() -> None:
    assert Client().get("/api/v1/openapi.json").json() == schema_as_json()
    assert Client().post("/api/v1/openapi.json").status_code == 404


def schema_as_json() -> object:
    """Statuses are keys, and JSON's keys are texts."""
    return json.loads(json.dumps(schema()))


def test_every_operation_says_what_it_needs() -> None:
    for path, methods in schema()["paths"].items():
        for details in methods.values():
            assert "cope" in details["description"], path
            assert details["security"] == [{"AccessToken": []}] and len(details["tags"]) == 1


def test_raters_pages_do_without_it() -> None:
    run = subprocess.run([sys.executable, "-c", START], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
