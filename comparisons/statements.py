"""Statements that Django writes once for each connection, and then runs with other values.

Most of the time of a rater's answer went into building the same dozen querysets and compiling them to the same SQL.
A Statement is a queryset of which some values are given later:

    _MINE = Statement(lambda: Vote.objects.filter(assignment=given_id("assignment")))
    _MINE.rows(assignment=7)            # as list(Vote.objects.filter(assignment=7))

    _TAKE = Statement(lambda: Comparison.objects.filter(id=given_id("id")), done=F("done") + 1)
    _TAKE.update(id=7)                  # as Comparison.objects.filter(id=7).update(done=F("done") + 1)

An Insertion is the same of a new row:

    _INSERT = Insertion(Vote)
    _INSERT.row(assignment=lease)       # as Vote.objects.create(assignment=lease)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.query import QuerySet
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

Values = dict[str, Any]
Row = TypeVar("Row")
NewRow = TypeVar("NewRow", bound=models.Model)


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
        self._written = _InThisThread(lambda connection: _Written(connection, write(), changes))

    def rows(self, **values: object) -> list[Row]:
        return list(self.each(**values))

    def each(self, **values: object) -> Iterator[Row]:
        """The same: all are read when the first is asked for, and each is made into an object when its turn comes."""
        written = self._written.get()
        written.values = values
        rows: Iterable[Row] = written.queryset._iterable_class(written.queryset)  # type: ignore[assignment]
        yield from rows

    def first(self, **values: object) -> Row | None:
        """The queryset should be cut to one row."""
        return next(self.each(**values), None)

    def update(self, **values: object) -> int:
        """How many rows it changed."""
        written = self._written.get()
        with written.connection.cursor() as cursor:
            cursor.execute(written.sql, written.bind(values))
            return int(cursor.rowcount)


class Insertion(Generic[NewRow]):
    """Of one row of this model, whose database makes nothing but its id. No signal is sent."""

    def __init__(self, model: type[NewRow]) -> None:
        self._model = model
        self._written = _InThisThread(lambda connection: _WrittenInsert(connection, model))

    def row(self, **values: object) -> NewRow:
        """The model's defaults stand for what is not given."""
        written, new = self._written.get(), self._model(**values)
        with written.connection.cursor() as cursor:
            cursor.execute(written.sql, written.bind(new.__dict__))
            (new.pk,) = cursor.fetchone()
        new._state.adding, new._state.db = False, DEFAULT_DB_ALIAS
        return new


Written = TypeVar("Written", bound="_OnConnection")


class _InThisThread(Generic[Written]):
    """What is written once for each connection; each thread has one of its own."""

    def __init__(self, write: Callable[[BaseDatabaseWrapper], Written]) -> None:
        self._write = write
        self._in_this_thread = threading.local()

    def get(self) -> Written:
        connection = connections[DEFAULT_DB_ALIAS]
        written: Written | None = getattr(self._in_this_thread, "written", None)
        if written is None or written.connection is not connection:
            written = self._in_this_thread.written = self._write(connection)
        return written


class _OnConnection:
    sql: str
    parameters: Iterable[Any]

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    def bind(self, values: Values) -> list[Any]:
        return list(self._bound(values))

    def _bound(self, values: Values) -> Iterator[Any]:
        for parameter in self.parameters:
            if isinstance(parameter, Given):
                field = parameter.output_field
                yield field.get_db_prep_value(values[parameter.name], self.connection)
            else:
                yield parameter


class _Written(_OnConnection):
    """A queryset that reads through one compiler, whose SQL is there already."""

    def __init__(self, connection: BaseDatabaseWrapper, queryset: QuerySet[Any, Any], changes: Values) -> None:
        super().__init__(connection)
        self.queryset = queryset
        self.values: Values = {}
        query = queryset.query
        if changes:
            query = update = cast("UpdateQuery", query.chain(UpdateQuery))
            update.add_update_values(changes)
        compiler = query.get_compiler(connection=connection)
        self.sql, self.parameters = compiler.as_sql()
        compiler.as_sql = lambda *_, **__: (self.sql, self.bind(self.values))
        if not changes:
            converters = compiler.get_converters([column for column, *_ in compiler.select])
            compiler.get_converters = lambda *_: converters
        query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]


class _WrittenInsert(_OnConnection):
    def __init__(self, connection: BaseDatabaseWrapper, model: type[models.Model]) -> None:
        super().__init__(connection)
        pk = model._meta.pk
        fields = [field for field in model._meta.concrete_fields if field is not pk]
        given = model(**{field.attname: Given(field.attname, field) for field in fields})
        query = InsertQuery(model)
        query.insert_values(fields, [given], raw=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = [pk]
        ((self.sql, self.parameters),) = compiler.as_sql()
