"""A PostgreSQL server for one command."""

from __future__ import annotations

import subprocess
import sys

import psycopg

from scripts.with_postgres import postgres

COMMAND = [sys.executable, "-m", "scripts.with_postgres", sys.executable, "-c"]


def test_it_answers_and_is_gone_afterwards() -> None:
    with postgres() as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 6 * 7").fetchone() == (42,)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return
    raise AssertionError("the server is still there")


def test_the_commands_exit_status_is_handed_on() -> None:
    program = "import os; raise SystemExit(7 if os.environ['DATABASE_URL'].startswith('postgres://') else 1)"
    assert subprocess.call([*COMMAND, program]) == 7
