"""`make demo`: one study to be rated and one that simulated raters have rated, from prompts to report, in one folder.

Both show the same images, which a real worker makes over a real broker. Everything is made once. A second run finds it
and only starts the processes again.
"""

from __future__ import annotations

import argparse
import math
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured

from evalsite.broker import BrokerError
from scripts import worker
from scripts.supervisor import ChildFailed, Stopped, Supervisor

HOST = "127.0.0.1"
STUDY = "demo"
RATED = "demo-rated"
LOGIN = "demo"
FILE = Path("studies/demo.toml")
PROMPTS = Path("toyzoo/domain/evaluation.tsv")
WEIGHTS = Path("toyzoo/weights")
TITLE = "Which picture fits better?"
SPARE = 10  # raters beyond those that it takes; who finds nothing left to judge goes away
MANAGE = [sys.executable, "manage.py"]


def environment(folder: Path) -> dict[str, str]:
    """Settings of the demo, and all that a library might keep in the home folder or in /tmp."""
    cache = folder / "cache"
    return {
        "DJANGO_SETTINGS_MODULE": "evalsite.settings",
        "DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "ALLOWED_HOSTS": "",
        "DEBUG": "",
        "HTTPS": "",
        "HF_HOME": str(cache / "huggingface"),
        "HF_HUB_OFFLINE": "1",
        "TORCH_HOME": str(cache / "torch"),
        "XDG_CACHE_HOME": str(cache),
        "TMPDIR": str(cache / "tmp"),
        "OMP_NUM_THREADS": "1",  # models this small gain nothing from a second thread, and lose on a busy machine
        "PYTHONUNBUFFERED": "1",
    }


def check_port(port: int) -> str | None:
    if not 1 <= port <= 65535:
        return f"Port {port} cannot be used: it is not between 1 and 65535."
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return f"Port {port} cannot be used: {error.strerror}. Choose another: make demo PORT=8001"
    return None


def answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True


@contextmanager
def doing(what: str) -> Iterator[None]:
    print(f"{what} ...", end=" ", flush=True)
    start = time.monotonic()
    yield
    print(f"{time.monotonic() - start:.1f} s", flush=True)


def prepare(supervisor: Supervisor, folder: Path, prompts: int) -> None:
    """From an empty folder to two open studies whose images are all made."""
    is_new = not (folder / "evalsite.sqlite3").exists()
    with doing("Broker"):
        worker.start_broker(supervisor)
    with doing("Database"):
        supervisor.run("migrate", [*MANAGE, "migrate", "--no-input"])
    with doing("Studies"):
        link_weights(folder)
        create_studies(supervisor, folder, prompts, is_new=is_new)
    worker.start_workers(supervisor)
    for study in (STUDY, RATED):
        if not is_closed(study):
            supervisor.run("open", [*MANAGE, "open_study", study])
            print(f"Images of {study}, by the worker:")
            supervisor.run("generate", [*MANAGE, "generate", study, "--wait"], log=False)


def create_studies(supervisor: Supervisor, folder: Path, prompts: int, *, is_new: bool) -> None:
    try:
        sample = ["--set", STUDY, "--sample", str(prompts)]
        supervisor.run("prompts", [*MANAGE, "import_prompts", str(PROMPTS), *sample])
        demo_password(folder)
        for name, file in {"study": FILE, "rated-study": write_rated_study(folder)}.items():
            supervisor.run(name, [*MANAGE, "create_study", str(file), "--owner", LOGIN])
    except ChildFailed as error:
        if is_new:
            raise
        raise ChildFailed(
            f"{error}\n{folder} holds an earlier demo, perhaps with other studies: "
            "remove it, or choose another folder: make demo DEMO_DIR=var/demo-2"
        ) from error


def link_weights(folder: Path) -> None:
    """The study file names the trained systems by a folder of the site's."""
    link = folder / "toyzoo"
    link.unlink(missing_ok=True)
    link.symlink_to(WEIGHTS.resolve())


def write_rated_study(folder: Path) -> Path:
    """The same study under another name: its images are the same, seed and prompts being so."""
    file = folder / f"{RATED}.toml"
    design = FILE.read_text().replace(f'slug = "{STUDY}"', f'slug = "{RATED}"')
    design = design.replace(TITLE, f"{TITLE} Simulated raters")
    file.write_text(design)
    return file


def is_closed(study: str) -> bool:
    from comparisons.models import Study

    return Study.objects.filter(slug=study, state=Study.State.CLOSED).exists()


def rate(supervisor: Supervisor, folder: Path, port: int) -> None:
    """Simulated raters judge by the oracle's scores; then the study is closed, and is left alone in a second run."""
    if is_closed(RATED):
        return
    scores, site = str(folder / "scores.csv"), f"http://{HOST}:{port}"
    with doing("Oracle"):
        supervisor.run("oracle", [sys.executable, "-m", "toyzoo.oracle.score", RATED, "--out", scores])
    print("Simulated raters, who judge by the oracle's scores:")
    bots = ["--raters", str(raters_needed()), "--seed", "1", "--strengths", scores, "--url", site]
    supervisor.run("raters", [*MANAGE, "simulate_raters", RATED, *bots], log=False)
    if missing := votes_missing():
        print(f"{missing} votes are still missing: {RATED} stays open.")
        return
    supervisor.run("close", [*MANAGE, "close_study", RATED])


def votes_missing() -> int:
    from analysis.overview import overviews
    from comparisons.models import Study

    (rated,) = overviews(Study.objects.filter(slug=RATED))
    return rated.votes_wanted - rated.votes


def raters_needed() -> int:
    from comparisons.models import Study

    study = Study.objects.get(slug=RATED)
    each = (study.judgements_per_question or 1) * study.questions.count()
    return math.ceil(votes_missing() / each) + SPARE


def serve(supervisor: Supervisor, port: int) -> None:
    with doing("Site"):
        supervisor.start("site", [sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{port}", "evalsite.wsgi"])
        supervisor.wait_until(lambda: answers(port))


def demo_password(folder: Path) -> str:
    """The password of the demo's researcher: made once, kept in the folder."""
    from django.contrib.auth import get_user_model

    file = folder / "demo-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12) + "\n")
    password = file.read_text().strip()
    administrator = {"is_staff": True, "is_superuser": True}
    user, _ = get_user_model().objects.get_or_create(username=LOGIN, defaults=administrator)
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    return password


def addresses(folder: Path, port: int) -> str:
    from comparisons.models import Study

    site = f"http://{HOST}:{port}"
    key = Study.objects.get(slug=STUDY).key
    return f"""
    Rate        {site}/r/{key}/
    Dashboard   {site}/studies/{STUDY}/   (user {LOGIN}, password {demo_password(folder)})
    Report      {site}/studies/{STUDY}/report/

A second study has been rated, by simulated raters:

    Dashboard   {site}/studies/{RATED}/
    Report      {site}/studies/{RATED}/report/

Ctrl-C stops everything; `make demo` goes on where it stopped.
"""


def run(folder: Path, port: int, prompts: int) -> None:
    with Supervisor(folder / "logs") as supervisor:
        prepare(supervisor, folder, prompts)
        serve(supervisor, port)
        rate(supervisor, folder, port)
        print(addresses(folder, port), flush=True)
        supervisor.wait_until(lambda: False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path("var/demo"), metavar="FOLDER")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--prompts", type=int, default=24, help="each costs ten images (default: 24)")
    arguments = parser.parse_args()
    folder = arguments.dir.resolve()
    if problem := check_port(arguments.port):
        print(problem, file=sys.stderr)
        return 1
    try:
        (folder / "cache" / "tmp").mkdir(parents=True, exist_ok=True)
        os.environ.update(environment(folder))
        django.setup()
        run(folder, arguments.port, arguments.prompts)
    except Stopped:
        return 0
    except (BrokerError, ChildFailed, ImproperlyConfigured, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
