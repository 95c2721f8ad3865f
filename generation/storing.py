"""Work that is done in another thread, in order, while the model makes the next pictures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from django.db import connection


class Storing:
    """Encoding and writing a picture takes long enough for a fast model to be kept waiting by it.

    One thread, so that things happen in the order in which they were added; leaving the `with` block waits
    for all of them. What a piece of work raises is raised again by the next `wait`, or on leaving.
    """

    def __enter__(self) -> Storing:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storing")
        self._pending: list[Future[None]] = []
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.submit(_close_connection)
        self._thread.shutdown(wait=True)
        if error is None:
            self.wait()

    def add(self, work: Callable[[], None]) -> None:
        self._pending.append(self._thread.submit(work))

    def wait(self) -> None:
        """Until all that was added is done: pictures in memory must not pile up."""
        pending, self._pending = self._pending, []
        for future in pending:
            future.result()


def _close_connection() -> None:
    """Of the thread that runs this: `connection.close`, looked up in another thread, is that thread's."""
    connection.close()
