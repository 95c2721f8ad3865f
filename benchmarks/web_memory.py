"""How much memory a web process holds after serving pages, and how much it would hold with the models' libraries.

`python -m benchmarks.web_memory` serves one study with gunicorn, twice: as it is, and with torch and diffusers imported
beside the site. Each web process is measured when simulated raters have answered all that is asked, and again when a
researcher has looked at the study: resident memory, and the part of it that belongs to this process alone.
Everything happens in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path

import requests

from tests.processes import Site

PAGES = ("/studies/", "/studies/memory/", "/studies/memory/report/", "/studies/memory/votes.csv")
PREPARE = """
import django, json
django.setup()
from django.contrib.auth import get_user_model
from django.test import Client
from tests.factories import make_open_study

make_open_study([f"{number} cats" for number in range(12)], slug="memory", votes_wanted=4)
client = Client()
client.force_login(get_user_model().objects.create_superuser("researcher"))
print(json.dumps(client.cookies["sessionid"].value))
"""
APPLICATIONS = {"the site": "evalsite.wsgi", "with torch and diffusers": "benchmarks.wsgi_with_models"}


def megabytes(log: str) -> list[tuple[float, float]]:
    """Of each web process: what is resident, and what no other process shares."""
    found = []
    for pid in re.findall(r"Booting worker with pid: (\d+)", log):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        kilobytes = {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}
        found.append((kilobytes["Rss"] / 1024, (kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) / 1024))
    return found


def get(url: str, session: str) -> None:
    answer = requests.get(url, cookies={"sessionid": session}, timeout=300, allow_redirects=False)
    if answer.status_code != requests.codes.ok:
        raise SystemExit(f"{url} answered {answer.status_code}.")


def serve(name: str, application: str, raters: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), {"GUNICORN_CMD_ARGS": "--timeout 300"})  # the libraries may take long to import
        site.manage("migrate", "--no-input")
        session = json.loads(site.python("-c", PREPARE))
        with site.server(application) as url:
            get(f"{url}/", session)
            site.manage("simulate_raters", "memory", "--raters", str(raters), "--seed", "1", "--url", url)
            show(name, "raters' pages", site)
            for page in PAGES * raters:
                get(url + page, session)
            show(name, "and researchers'", site)


def show(name: str, served: str, site: Site) -> None:
    for resident, own in megabytes(site.log("server")):
        print(f"{name:24} {served:18} {resident:5.0f} MB resident, {own:5.0f} MB of its own", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raters", type=int, default=8)
    options = parser.parse_args()
    for name, application in APPLICATIONS.items():
        serve(name, application, options.raters)


if __name__ == "__main__":
    main()
