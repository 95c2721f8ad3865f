"""oTree, as its documentation sets up a server: OTREE_PRODUCTION, PostgreSQL, `otree prodserver`.

Each comparison is a round of an app with one page: a prompt, two images and a button below each. The server is one
process with a lock around each request, beside one that watches time limits; more cannot share a session. A person's
browser would also open a WebSocket on each page, which is not asked for here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import requests

from benchmarks.peers.common import COMPARISONS, CROWDS, Peer, Place, Running, expect, port_and_url, server

SETTINGS = """
from os import environ
SESSION_CONFIGS = [dict(name="pairs", app_sequence=["pairs"], num_demo_participants=1)]
SESSION_CONFIG_DEFAULTS = dict(real_world_currency_per_point=1.0, participation_fee=0.0, doc="")
PARTICIPANT_FIELDS = []
SESSION_FIELDS = []
LANGUAGE_CODE = "en"
REAL_WORLD_CURRENCY_CODE = "USD"
USE_POINTS = False
ADMIN_USERNAME = "admin"
ADMIN_PASSWORD = environ["OTREE_ADMIN_PASSWORD"]
SECRET_KEY = "2718281828"
DEMO_PAGE_INTRO_HTML = ""
"""

APP = f"""
from otree.api import *

class C(BaseConstants):
    NAME_IN_URL = "pairs"
    PLAYERS_PER_GROUP = None
    NUM_ROUNDS = {COMPARISONS}

class Subsession(BaseSubsession):
    pass

class Group(BaseGroup):
    pass

class Player(BasePlayer):
    outcome = models.StringField(choices=["left", "right"])

class Judge(Page):
    form_model = "player"
    form_fields = ["outcome"]

    @staticmethod
    def vars_for_template(player):
        n = player.round_number
        return dict(prompt=f"prompt {{n}}", left=f"/static/{{n}}-a.png", right=f"/static/{{n}}-b.png")

page_sequence = [Judge]
"""

PAGE = """
{{ block title }}Which image follows the prompt better?{{ endblock }}
{{ block content }}
<p>{{ prompt }}</p>
<p><img src="{{ left }}" alt=""> <button name="outcome" value="left">Left</button></p>
<p><img src="{{ right }}" alt=""> <button name="outcome" value="right">Right</button></p>
{{ endblock }}
"""


class Participant:
    def __init__(self, link: str) -> None:
        self._http = requests.Session()
        self._page = expect(self._http.get(link), "no first page").url

    def answer(self) -> None:
        reply = self._http.post(self._page, {"outcome": random.choice(["left", "right"])})
        expect(reply, "no next round", holds="/Judge/" in reply.url and reply.url != self._page)
        self._page = reply.url


def _stored(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM pairs_player WHERE outcome IN ('left', 'right')").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _serve(place: Place) -> Iterator[Running]:
    (place.folder / "_static").mkdir()  # every project has one
    (place.folder / "pairs").mkdir()
    (place.folder / "settings.py").write_text(SETTINGS)
    (place.folder / "pairs" / "__init__.py").write_text(APP)
    (place.folder / "pairs" / "Judge.html").write_text(PAGE)
    variables = {
        "DATABASE_URL": place.database_url,
        "OTREE_PRODUCTION": "1",
        "OTREE_AUTH_LEVEL": "STUDY",
        "OTREE_ADMIN_PASSWORD": "a long password",
        "OTREE_REST_KEY": "a long key",
    }
    place.run([place.program("otree"), "resetdb", "--noinput"], variables)
    port, url = port_and_url()
    command = [place.program("otree"), "prodserver", f"127.0.0.1:{port}"]
    with server(place, command, variables, port, "/login") as pid:
        asked = {"session_config_name": "pairs", "num_participants": sum(CROWDS)}
        key = {"otree-rest-key": "a long key"}
        made = requests.post(f"{url}/api/sessions", json=asked, headers=key, timeout=600)
        link = expect(made, "no session").json()["session_wide_url"]
        yield Running(pid, lambda _: Participant(link), lambda: _stored(place.database_url))


OTREE = Peer(
    name="oTree",
    requirements=("otree==6.0.15", "psycopg2-binary"),
    configured=f"`otree prodserver` (one process), PostgreSQL, one page a round, {COMPARISONS:,} rounds",
    postgres=True,
    serve=_serve,
)
