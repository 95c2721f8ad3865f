"""Work in the storing thread: in order, its errors raised to who waits, and no database connection left behind."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from generation.storing import Storing


def test_work_is_done_in_order_by_the_time_the_block_is_left() -> None:
    done: list[int] = []
    with Storing() as storing:
        for number in range(20):
            storing.add(partial(done.append, number))
    assert done == list(range(20))


def test_an_error_is_raised_once_to_who_waits() -> None:
    def fail() -> None:
        raise OSError("no room")

    with Storing() as storing:
        storing.add(fail)
        with pytest.raises(OSError, match="no room"):
            storing.wait()
        storing.wait()


def test_an_error_is_raised_on_leaving() -> None:
    def fail() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"), Storing() as storing:
        storing.add(fail)


@pytest.mark.django_db(transaction=True)
def test_the_threads_connection_is_closed_and_the_callers_is_not() -> None:
    """PostgreSQL's connections are pooled: one lost with each message would stop a worker after a few of them."""
    used: list[BaseDatabaseWrapper] = []

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        used.append(connections["default"])

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with Storing() as storing:
        storing.add(ask)
    assert used[0] is not connections["default"]
    assert used[0].connection is None
    assert connection.connection is not None
