"""Statements that Django writes once for each connection, and then runs with other values.

Most of the time of a rater's answer went into building the same dozen querysets and compiling them to the same SQL.
A Statement is a queryset of which some values are given later:

    _MINE = Statement(lambda: Vote.objects.filter(assignment=given_id("assignment")))
    _MINE.rows(assignment=7)            # as list(Vote.objects.filter(assignment=7))

    _TAKE = Statement(lambda: Comparison.objects.filter(id=given_id("id")), done=F("done") + 1)
    _TAKE.update(id=7)                  # as Comparison.objects.filter(id=7).update(done=F("done") + 1)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.query import QuerySet
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

Values = dict[str, Any]
Row = TypeVar("Row")


class Given(Expression):
    """A value that is named when the statement is made, and given when it runs, as this field would take it."""

    def __init__(self, name: str, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)


def given_id(name: str) -> Given:
    return Given(name, models.BigIntegerField())


def given_text(name: str) -> Given:
    return Given(name, models.CharField())


def given_time(name: str) -> Given:
    return Given(name, models.DateTimeField())


def given_uuid(name: str) -> Given:
    return Given(name, models.UUIDField())


class Statement(Generic[Row]):
    """Of the queryset that `write` makes; with `changes` it is an UPDATE of those rows, else a SELECT."""

    def __init__(self, write: Callable[[], QuerySet[Any, Row]], **changes: object) -> None:
        self._write = write
        self._changes = changes
        self._in_this_thread = threading.local()

    def rows(self, **values: object) -> list[Row]:
        written = self._here()
        written.values = values
        rows: Iterable[Row] = written.queryset._iterable_class(written.queryset)  # type: ignore[assignment]
        return list(rows)

    def first(self, **values: object) -> Row | None:
        """The queryset should be cut to one row."""
        return next(iter(self.rows(**values)), None)

    def update(self, **values: object) -> int:
        """How many rows it changed."""
        written = self._here()
        with written.connection.cursor() as cursor:
            cursor.execute(written.sql, written.bind(values))
            return int(cursor.rowcount)

    def _here(self) -> _Written:
        """Each thread has a connection of its own."""
        connection = connections[DEFAULT_DB_ALIAS]
        written: _Written | None = getattr(self._in_this_thread, "written", None)
        if written is None or written.connection is not connection:
            written = self._in_this_thread.written = _Written(connection, self._write(), self._changes)
        return written


class _Written:
    """A queryset that reads through one compiler, whose SQL is there already."""

    def __init__(self, connection: BaseDatabaseWrapper, queryset: QuerySet[Any, Any], changes: Values) -> None:
        self.connection = connection
        self.queryset = queryset
        self.values: Values = {}
        query = queryset.query
        if changes:
            query = update = cast("UpdateQuery", query.chain(UpdateQuery))
            update.add_update_values(changes)
        compiler = query.get_compiler(connection=connection)
        self.sql, self._parameters = compiler.as_sql()
        compiler.as_sql = lambda *_, **__: (self.sql, self.bind(self.values))
        query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]

    def bind(self, values: Values) -> list[Any]:
        return list(self._bound(values))

    def _bound(self, values: Values) -> Iterator[Any]:
        for parameter in self._parameters:
            if isinstance(parameter, Given):
                field = parameter.output_field
                yield field.get_db_prep_value(values[parameter.name], self.connection)
            else:
                yield parameter
