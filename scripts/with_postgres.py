"""`python -m scripts.with_postgres COMMAND...`: DATABASE_URL leads the command to a PostgreSQL of its own.

The server is made for this one command in a temporary folder, listens on a free port of the loopback
interface, and is gone afterwards. It may lose data in a power cut, as it is for tests.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 60
FOR_TESTS = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
# A vacuum would find the tables empty while a test's transaction fills them, and the planner would believe it.
FOR_TESTS += ["autovacuum=off"]


def find_programs() -> Path:
    """The folder of initdb and postgres; Debian keeps them off the PATH."""
    if initdb := shutil.which("initdb"):
        return Path(initdb).resolve().parent
    if folders := sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name)):
        return folders[-1]
    sys.exit("PostgreSQL's initdb is not here: run scripts/install-test-packages, or install postgresql.")


def server_account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then its own account does it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        sys.exit("PostgreSQL does not run as root, and there is no user 'postgres' to run it as.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgres(*, for_tests: bool = True) -> Iterator[str]:
    """The URL of a running server's database; one that is not for tests is set up as on a real site."""
    programs, port = find_programs(), free_port()
    account = server_account()
    with tempfile.TemporaryDirectory(prefix="evalsite-postgres-") as folder:
        start: dict[str, Any] = {"cwd": folder}
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
            start |= {"user": account.pw_uid, "group": account.pw_gid}
        initdb = [
            f"{programs}/initdb",
            "-D",
            "data",
            "-U",
            "evalsite",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **start)
        address = ["-p", str(port), "-k", folder, "--listen_addresses=127.0.0.1"]
        settings = [f"--{setting}" for setting in ("max_connections=200", *(FOR_TESTS if for_tests else []))]
        log = Path(folder, "log")
        with log.open("wb") as output:
            command = [f"{programs}/postgres", "-D", "data", *address, *settings]
            server = subprocess.Popen(command, stdout=output, stderr=output, **start)
        try:
            wait_until_ready(programs, port, server, log)
            yield f"postgres://evalsite@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # ends the connections that are left, then itself
            server.wait()


def wait_until_ready(programs: Path, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while subprocess.call([programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]):
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped
    with postgres() as url:
        return subprocess.call(sys.argv[1:], env={**os.environ, "DATABASE_URL": url})


if __name__ == "__main__":
    sys.exit(main())
