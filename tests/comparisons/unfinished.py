"""Two at the same moment: one has written and not finished when the other begins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from tests.comparisons.browsing import at_once

First = TypeVar("First")
Second = TypeVar("Second")
HELD_SECONDS = 0.3  # should the other need longer to get to its own writing, it finds the row: it is to say the same


def while_unfinished(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """What both return; needs real connections."""
    has_written = threading.Event()

    def hold() -> First:
        with transaction.atomic():
            try:
                result = first()
            finally:
                has_written.set()
            time.sleep(HELD_SECONDS)
        return result

    def follow() -> Second:
        has_written.wait()
        return second()

    calls: list[Callable[[], First | Second]] = [hold, follow]
    one, other = at_once(calls)
    return one, other  # type: ignore[return-value]
