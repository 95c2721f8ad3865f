"""Turkle, as its administration guide has it: PostgreSQL, gunicorn, DEBUG off.

The package holds the application without a site, so the settings are those of the site in its repository. Gunicorn has
two processes of four threads, as Evalsite has, and connections to the database are kept, which the guide does not ask
for. The tasks are one batch, open to people who logged in, with the next task accepted automatically; an answer and
the next task are four requests: the answer, two redirects, and the frame with the task.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks.peers.common import COMPARISONS, CROWDS, Peer, Place, Running, expect, found, port_and_url, server

SETTINGS = """
DEBUG = False
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "a long secret that is known to everybody"
ROOT_URLCONF = "site_urls"
X_FRAME_OPTIONS = "SAMEORIGIN"
STATIC_URL = "/static/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 600, **{database}}}}}
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.staticfiles", "turkle", "django.contrib.admin", "rest_framework", "rest_framework.authtoken",
    "turkle.api", "guardian", "djaa_list_filter2",
]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {{"context_processors": [
        "django.contrib.auth.context_processors.auth", "django.template.context_processors.debug",
        "django.template.context_processors.i18n", "django.template.context_processors.media",
        "django.template.context_processors.request", "django.template.context_processors.static",
        "django.template.context_processors.tz", "django.contrib.messages.context_processors.messages",
        "turkle.utils.turkle_vars",
    ]}},
}}]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "index"
TURKLE_AUTO_ACCEPT_DEFAULT = True
"""

URLS = """
from django.urls import include, path
from django.contrib import admin
urlpatterns = [
    path("admin/", admin.site.urls), path("", include("django.contrib.auth.urls")), path("", include("turkle.urls")),
]
"""

PREPARE = f"""
import django, io
django.setup()
from django.contrib.auth.models import User
from turkle.models import Batch, Project
for n in range({sum(CROWDS)}):
    User.objects.create_user(f"rater{{n}}", password="a long password")
template = '''<p>${{prompt}}</p>
<p><img src="${{left}}" alt=""> <label><input type="radio" name="outcome" value="left"> Left</label></p>
<p><img src="${{right}}" alt=""> <label><input type="radio" name="outcome" value="right"> Right</label></p>'''
project = Project(name="pairs", html_template=template, assignments_per_task=100)
project.clean()
project.save()
batch = Batch.objects.create(project=project, name="pairs", filename="pairs.csv", assignments_per_task=100)
rows = ["prompt,left,right"]
rows += [f"prompt {{n}},/static/{{n}}-a.png,/static/{{n}}-b.png" for n in range({COMPARISONS})]
batch.create_tasks_from_csv(io.StringIO("\\n".join(rows)))
print(batch.id)
"""

COUNT = """
import django
django.setup()
from turkle.models import TaskAssignment
done = TaskAssignment.objects.filter(completed=True)
print(sum(assignment.answers["outcome"] in ("left", "right") for assignment in done))
"""

_FRAME = re.compile(r'<iframe src="([^"]+)"')
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_ACTION = re.compile(r'action="(/task/\d+/assignment/\d+/)"')


class Worker:
    def __init__(self, url: str, n: int, batch: str) -> None:
        self._http, self._url = requests.Session(), url
        account = {"username": f"rater{n}", "password": "a long password"}
        token = {"csrfmiddlewaretoken": found(_TOKEN, self._http.get(f"{url}/login/"), "no login page")}
        expect(self._http.post(f"{url}/login/", account | token), "no login")
        self._task, self._token = "", ""
        self._open(self._http.get(f"{url}/batch/{batch}/accept_next_task/"))

    def _open(self, page: requests.Response) -> None:
        frame = self._http.get(self._url + found(_FRAME, page, "no next task"))
        before, self._task = self._task, found(_ACTION, frame, "no task in the frame")
        self._token = found(_TOKEN, frame, "no token in the frame")
        expect(frame, "the same task again", holds=self._task != before)

    def answer(self) -> None:
        outcome = random.choice(["left", "right"])
        form = {"outcome": outcome, "csrfmiddlewaretoken": self._token}
        self._open(self._http.post(self._url + self._task, form))


@contextmanager
def _serve(place: Place) -> Iterator[Running]:
    (place.folder / "site_settings.py").write_text(SETTINGS.format(database=place.database()))
    (place.folder / "site_urls.py").write_text(URLS)
    variables = {"DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": str(place.folder)}
    place.run([place.program("django-admin"), "migrate", "--no-input", "-v0"], variables)
    python = place.program("python")
    batch = place.run([python, "-c", PREPARE], variables).split()[-1]
    port, url = port_and_url()
    command = [place.program("gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4"]
    application = "django.core.wsgi:get_wsgi_application()"
    with server(place, [*command, application], variables, port, "/login/") as pid:
        yield Running(
            pid, lambda n: Worker(url, n, batch), lambda: int(place.run([python, "-c", COUNT], variables).split()[-1])
        )


TURKLE = Peer(
    name="Turkle",
    requirements=("turkle==3.1.0", "gunicorn", "psycopg2-binary"),
    configured=f"gunicorn, 2 processes of 4 threads, PostgreSQL, a batch of {COMPARISONS:,} tasks",
    postgres=True,
    serve=_serve,
)
