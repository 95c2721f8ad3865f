"""The web process serves every page without the libraries of the models: a web host does not even install them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVE_EVERYTHING = """
import sys
from wsgiref.util import setup_testing_defaults

from evalsite.wsgi import application

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from tests.factories import make_open_study

call_command("migrate", verbosity=0)
study = make_open_study(["a red fox"], slug="colours")
rate = f"/r/{study.key}/"
for path in ["/", "/login/", rate, f"{rate}judge/", f"{rate}thanks/", "/studies/", "/admin/login/", "/nowhere/"]:
    environ = {"PATH_INFO": path, "HTTP_HOST": "localhost"}
    setup_testing_defaults(environ)
    list(application(environ, lambda status, headers: print(path.replace(study.key, "KEY"), status)))

client = Client(headers={"host": "localhost"})
client.post(rate, {"consent": "1"})
client.force_login(User.objects.create_superuser("researcher"))
for path in [f"{rate}judge/", "/studies/", "/studies/colours/", "/studies/colours/report/", "/admin/"]:
    response = client.get(path)
    response.getvalue()
    print("signed in:", path.replace(study.key, "KEY"), response.status_code)

print("loaded:", {"accelerate", "diffusers", "peft", "safetensors", "torch", "transformers"} & set(sys.modules))
"""
SERVED = """\
/ 200 OK
/login/ 200 OK
/r/KEY/ 200 OK
/r/KEY/judge/ 302 Found
/r/KEY/thanks/ 302 Found
/studies/ 302 Found
/admin/login/ 302 Found
/nowhere/ 404 Not Found
signed in: /r/KEY/judge/ 200
signed in: /studies/ 200
signed in: /studies/colours/ 200
signed in: /studies/colours/report/ 200
signed in: /admin/ 200
loaded: set()
"""


def test_no_page_needs_the_libraries_of_the_models(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-W", "error", "-c", SERVE_EVERYTHING]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (0, SERVED), process.stderr
