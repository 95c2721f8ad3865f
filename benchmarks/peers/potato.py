"""Potato, as its container starts it: gunicorn with one process of eight threads.

More processes are refused by its own deployment command, since each would keep a state of its own. Answers and progress
are files of the project (it can also keep progress in MySQL). A task shows a prompt and two images and asks by
its scheme `pairwise`. An answer and the next task are the three requests that its page makes in turn: save, go on, load
the page again. The page's further calls for highlighted text, and its log of mouse and keys, are not asked for.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from benchmarks.peers.common import COMPARISONS, Peer, Place, Running, expect, found, port_and_url, server

CONFIGURATION = """
annotation_task_name: pairs
task_dir: .
output_annotation_dir: annotation_output
data_files: [data/pairs.jsonl]
item_properties: {id_key: id, text_key: prompt}
user_config: {allow_all_users: true, users: []}
require_password: true
assignment_strategy: random
max_annotations_per_item: 100
site_dir: default
instance_display:
  layout: {direction: horizontal}
  fields:
    - {key: prompt, type: text}
    - {key: left, type: image}
    - {key: right, type: image}
annotation_schemes:
  - annotation_type: pairwise
    name: outcome
    description: Which image follows the prompt better?
    mode: binary
    labels: [Left, Right]
    label_requirement: {required: true}
"""

_INSTANCE = re.compile(r'<input id="instance_id" name="instance_id" type="hidden" value="([^"]+)"')


class Annotator:
    def __init__(self, url: str, n: int) -> None:
        self._http, self._url, self._instance = requests.Session(), url, ""
        account = {"email": f"rater{n}@example.org", "pass": "a long password"}
        expect(self._http.post(f"{url}/register", data=account), "no account")
        self._open()

    def _open(self) -> None:
        page = self._http.get(f"{self._url}/annotate")
        before, self._instance = self._instance, found(_INSTANCE, page, "no task")
        expect(page, "the same task again", holds=self._instance != before)

    def answer(self) -> None:
        outcome = random.choice(["A", "B"])
        annotations = {"outcome:selection": outcome}
        saved = {"instance_id": self._instance, "annotations": annotations, "span_annotations": []}
        reply = expect(self._http.post(f"{self._url}/updateinstance", json=saved), "not saved")
        expect(reply, "not saved", holds=reply.json()["status"] == "success")
        onward = {"action": "next_instance", "instance_id": self._instance}
        expect(self._http.post(f"{self._url}/annotate", json=onward), "no way on")
        self._open()


def _stored(folder: Path) -> int:
    """The answers in the raters' files."""
    states = [json.loads(path.read_text()) for path in (folder / "annotation_output").glob("*/user_state.json")]
    return sum(len(state["instance_id_to_label_to_value"]) for state in states)


@contextmanager
def _serve(place: Place) -> Iterator[Running]:
    (place.folder / "data").mkdir()
    (place.folder / "config.yaml").write_text(CONFIGURATION)
    pairs = [
        {"id": f"c{n}", "prompt": f"prompt {n}", "left": f"https://x.test/{n}-a", "right": f"https://x.test/{n}-b"}
        for n in range(COMPARISONS)
    ]
    (place.folder / "data" / "pairs.jsonl").write_text("\n".join(json.dumps(pair) for pair in pairs))
    port, url = port_and_url()
    gunicorn = [place.program("gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "8"]
    application = "potato.flask_server:create_app('config.yaml')"
    with server(place, [*gunicorn, application], {"SECRET_KEY": "a long key"}, port, "/health") as pid:
        yield Running(pid, lambda n: Annotator(url, n), lambda: _stored(place.folder))


POTATO = Peer(
    name="Potato",
    requirements=("potato-annotation==2.12.1", "gunicorn"),
    configured=f"gunicorn, 1 process of 8 threads, files, {COMPARISONS:,} tasks",
    postgres=False,
    serve=_serve,
)
