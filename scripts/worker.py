"""`make worker`: a Celery worker for images and periodic tasks, one for results, and a broker if none answers yet."""

from __future__ import annotations

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from evalsite import broker
from scripts.supervisor import ChildFailed, Stopped, Supervisor

# The pool, its size and the file of the schedule come from the settings. A machine may have several workers.
CELERY = [sys.executable, "-m", "celery", "-A", "evalsite", "worker", "--loglevel", "INFO"]
COMMAND = [*CELERY, "--beat", "--hostname", f"evalsite-{os.getpid()}@%h"]
RESULTS_COMMAND = [*CELERY, "--queues", "analysis", "--hostname", f"results-{os.getpid()}@%h"]


def start_broker(supervisor: Supervisor) -> None:
    """See that a broker answers at the settings' address: start it if the address is in the data folder."""
    url = settings.CELERY_BROKER_URL
    socket = broker.own_socket(url, settings.DATA_DIR)
    if broker.is_up(url):
        return
    if socket is None:
        raise broker.BrokerError("No Redis server answers at the address that CELERY_BROKER_URL holds.")
    supervisor.start("broker", broker.server_command(socket))
    supervisor.wait_until(lambda: broker.is_up(url))


def start_workers(supervisor: Supervisor, *, log: bool = True) -> None:
    """One makes images and does the periodic work, the other computes results: neither waits for the other."""
    supervisor.start("worker", COMMAND, log=log)
    supervisor.start("results-worker", RESULTS_COMMAND, log=log)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")
    try:
        with Supervisor(settings.DATA_DIR / "logs") as supervisor:
            start_broker(supervisor)
            supervisor.run("migrate", [sys.executable, "manage.py", "migrate", "--no-input"])
            start_workers(supervisor, log=False)
            supervisor.wait_until(lambda: False)
    except Stopped:
        return 0
    except (broker.BrokerError, ChildFailed, ImproperlyConfigured) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
