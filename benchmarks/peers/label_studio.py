"""Label Studio on gunicorn and PostgreSQL, with the settings of its container: DEBUG off, no Redis.

The container has uWSGI; the wheel of it resets connections here, so gunicorn has its place, with two processes of one
thread. Reports to its makers and checks for new versions are off. Everybody signs up by the form; tasks are one project
with the tag `Pairwise`, in random order. An answer and the next task are the two requests of its labeling stream:
create the annotation, and the action `next_task`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from benchmarks.peers.common import COMPARISONS, Peer, Place, Running, expect, port_and_url, server

LABELS = """
<View>
  <Text name="prompt" value="$prompt"/>
  <Pairwise name="outcome" toName="left,right"/>
  <Image name="left" value="$left"/>
  <Image name="right" value="$right"/>
</View>
"""


class Account:
    """One browser in which somebody signed up."""

    def __init__(self, url: str, name: str) -> None:
        self._http, self._url = requests.Session(), url
        expect(self._http.get(f"{url}/user/signup/"), "no form to sign up")
        account = {"email": f"{name}@example.org", "password": "a long password", "allow_newsletters": "false"}
        token = {"csrfmiddlewaretoken": self._http.cookies.get("csrftoken", "")}
        reply = self._http.post(f"{url}/user/signup/", data=account | token, headers={"Referer": url})
        expect(reply, "no account", holds="signup" not in reply.url)

    def ask(self, method: str, path: str, **content: Any) -> Any:
        headers = {"X-CSRFToken": self._http.cookies.get("csrftoken", ""), "Referer": self._url}
        reply = self._http.request(method, f"{self._url}/api/{path}", headers=headers, **content)
        return expect(reply, f"{method} {path}").json()


class Annotator:
    def __init__(self, url: str, n: int, project: int) -> None:
        self._account, self._project, self._task = Account(url, f"rater{n}"), project, 0
        self._next()

    def _next(self) -> None:
        asked = f"dm/actions?id=next_task&project={self._project}"
        self._task = int(self._account.ask("POST", asked, json={"ordering": []})["id"])

    def answer(self) -> None:
        value = {"selected": random.choice(["left", "right"])}
        region = {"from_name": "outcome", "to_name": "left", "type": "pairwise", "value": value}
        asked = f"tasks/{self._task}/annotations/?project={self._project}"
        self._account.ask("POST", asked, json={"result": [region], "lead_time": 1.5})
        self._next()


@contextmanager
def _serve(place: Place) -> Iterator[Running]:
    database = {f"POSTGRE_{key}": value for key, value in place.database().items()}
    variables = database | {
        "DJANGO_DB": "default",
        "DJANGO_SETTINGS_MODULE": "core.settings.label_studio",
        "PYTHONPATH": str(next(place.environment.glob("lib/python*/site-packages/label_studio"))),
        "LABEL_STUDIO_BASE_DATA_DIR": str(place.folder / "data"),
        "SECRET_KEY": "a long key that is the same in all processes",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
    }
    place.run([place.program("python"), "-m", "django", "migrate", "--no-input", "-v0"], variables)
    port, url = port_and_url()
    gunicorn = [place.program("gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "2", "--timeout", "300"]
    with server(place, [*gunicorn, "core.wsgi"], variables, port, "/user/login/") as pid:
        owner = Account(url, "owner")
        about = {"title": "pairs", "label_config": LABELS, "maximum_annotations": 100, "sampling": "Uniform sampling"}
        project = owner.ask("POST", "projects/", json=about)["id"]
        pairs = [
            {"prompt": f"prompt {n}", "left": f"https://x.test/{n}-a.png", "right": f"https://x.test/{n}-b.png"}
            for n in range(COMPARISONS)
        ]
        owner.ask("POST", f"projects/{project}/import", json=pairs)
        yield Running(
            pid,
            lambda n: Annotator(url, n, project),
            lambda: int(owner.ask("GET", f"projects/{project}/")["total_annotations_number"]),
        )


LABEL_STUDIO = Peer(
    name="Label Studio",
    requirements=("label-studio==1.23.2", "gunicorn"),
    configured=f"gunicorn, 2 processes of 1 thread, PostgreSQL, a project of {COMPARISONS:,} tasks",
    postgres=True,
    serve=_serve,
)
