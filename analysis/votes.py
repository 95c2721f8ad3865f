"""The one query that turns stored votes into columns: what was seen, by whom, and whether it counts.

Of each vote it reads what is the vote's own, and where it points to. Comparisons, images and sessions are far fewer:
they are read once and looked up in arrays. So a million votes take seconds, and are never all in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection
from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from pyarrow import csv

from analysis.stats import VoteTable
from comparisons.models import Comparison, Exclusion, RaterSession, Study, Vote
from comparisons.studies import image_jobs
from generation.models import Image

_FETCHED = 2000  # rows are Python's objects no longer than that: more of them keep its garbage collector busy
_TOGETHER = 10
_NAME = pa.dictionary(pa.int32(), pa.string())
VOTES = pa.schema(
    {
        "vote_id": pa.int64(),
        "question": _NAME,
        "prompt_id": pa.int32(),
        "category": _NAME,
        "challenge": _NAME,
        "system_left": _NAME,
        "system_right": _NAME,
        "outcome": _NAME,
        "rater": pa.int64(),
        "session": _NAME,
        "response_ms": pa.int64(),
        "answered_at": pa.timestamp("ms", "UTC"),
        "late": pa.bool_(),
        "probability": pa.float64(),
        "rater_kind": _NAME,
        "excluded": pa.bool_(),
    }
)
"""The columns of a vote as exported, in their order.

`prompt_id` is the prompt's position in its set, as in a manifest of images. `rater` is a key of the database and
`session` is its public id: nothing says who somebody is. `probability` is that of the draw of the pair of systems.
"""


_ID, _TEXT = pa.int64(), pa.string()
_STORED = pa.schema(
    {
        "vote_id": _ID,
        "comparison": _ID,
        "session": _ID,
        "a_is_left": _TEXT,
        "outcome": _TEXT,
        "response_ms": VOTES.field("response_ms").type,
        "answered_at": _TEXT,
        "late": _TEXT,
        "probability": VOTES.field("probability").type,
    }
)
_COMPARISONS = pa.schema({"id": _ID, "question": _NAME, "image_a": _ID, "image_b": _ID})
_OF_PROMPT = ("prompt_id", "category", "challenge")
_IMAGES = pa.schema({"id": _ID} | {name: VOTES.field(name).type for name in _OF_PROMPT} | {"system": _NAME})
_SESSIONS = pa.schema({"id": _ID, "rater": _ID, "session": _TEXT, "rater_kind": _NAME})
_EXCLUDED = pa.schema({"vote_id": _ID, "session": _ID})


@dataclass(frozen=True)
class _Known:
    """What votes point to."""

    comparisons: pa.RecordBatch
    images: pa.RecordBatch
    sessions: pa.RecordBatch
    excluded: pa.RecordBatch


def vote_batches(study: Study, votes: QuerySet[Vote] | None = None) -> Iterator[pa.RecordBatch]:
    """Every judgement that stands, late and excluded ones too, oldest first; or those of them that are given."""
    chunks = _fetched(_query(standing_votes(study) if votes is None else votes), _STORED)
    first = next(chunks, None)
    if first is None:
        return
    # Asked for after the votes, whatever those point to is there.
    known = _Known(_comparisons(study), _images(study), _sessions(study), _excluded(study))
    chunks = chain([first], chunks)
    while some := list(islice(chunks, _TOGETHER)):
        yield _batch(pa.concat_batches(some), known)


def vote_table(study: Study, *, with_excluded: bool = False) -> VoteTable:
    """The votes that count: all but the excluded ones, or those too."""
    table = pa.Table.from_batches(vote_batches(study), VOTES)
    return VoteTable.from_arrow(table.drop_columns("excluded") if with_excluded else table, source=study.slug)


def standing_votes(study: Study) -> QuerySet[Vote]:
    return Vote.objects.standing().filter(assignment__session__study=study)


def live_exclusions(study: Study) -> QuerySet[Exclusion]:
    """What is excluded from this study, votes and whole sessions, and not revoked."""
    return Exclusion.objects.of_study(study).filter(revoked_at=None)


def excluded_counts(study: Study) -> dict[str, int]:
    """How many raters, and how many single answers."""
    return live_exclusions(study).aggregate(excluded_raters=Count("session"), excluded_answers=Count("vote"))


def excluded_votes(study: Study) -> QuerySet[Vote]:
    return standing_votes(study).filter(is_excluded())


def is_excluded() -> Q:
    """Of a vote: whether it, or its whole session, is out of the analysis."""
    live = Exclusion.objects.filter(revoked_at=None)
    excludes_vote = Exists(live.filter(vote=OuterRef("pk")))
    excludes_session = Exists(live.filter(session=OuterRef("assignment__session")))
    return excludes_vote | excludes_session


def _fetched(query: QuerySet[Any, tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Its rows as they are at one moment, some at a time."""
    if connection.vendor == "postgresql":
        yield from _copied(query, schema)
        return
    rows = query.iterator(chunk_size=_FETCHED)
    while chunk := list(islice(rows, _FETCHED)):
        yield _columns(zip(*chunk, strict=True), schema)


def _copied(query: QuerySet[Any, tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """By way of a file: unlike a cursor's, the rows of COPY are sought by several processes, and no object of Python is
    made for each value; and the connection is free again before the first of them is asked for.
    """
    select = connection.ops.compose_sql(*query.query.sql_with_params())  # type: ignore[attr-defined]  # PostgreSQL's
    statement = f"COPY ({select}) TO STDOUT (FORMAT csv)"
    reading = csv.ReadOptions(column_names=schema.names, use_threads=False)
    types = csv.ConvertOptions(column_types=schema)
    with TemporaryFile() as file:
        with connection.cursor() as cursor, cursor.copy(statement) as rows:
            file.writelines(rows)
        file.seek(0)
        while lines := list(islice(file, _FETCHED)):
            table = csv.read_csv(pa.BufferReader(b"".join(lines)), reading, convert_options=types)
            yield from table.combine_chunks().to_batches()


def _query(votes: QuerySet[Vote]) -> QuerySet[Vote, tuple[Any, ...]]:
    """In the order of _STORED; times and booleans as the database writes them, since Django's conversions take longer
    than all the rest.
    """
    return votes.order_by("id").values_list(
        "id",
        "assignment__comparison_id",
        "assignment__session_id",
        Cast("assignment__a_is_left", CharField()),
        "outcome",
        "response_ms",
        Cast("answered_at", CharField()),
        Cast("late", CharField()),
        "assignment__probability",
    )


def _batch(stored: pa.RecordBatch, known: _Known) -> pa.RecordBatch:
    comparison = _looked_up(stored["comparison"], known.comparisons)
    a_is_left = stored["a_is_left"].cast(pa.bool_())
    left = _looked_up(pc.if_else(a_is_left, comparison["image_a"], comparison["image_b"]), known.images)
    right = _looked_up(pc.if_else(a_is_left, comparison["image_b"], comparison["image_a"]), known.images)
    rater = _looked_up(stored["session"], known.sessions)
    is_out = (pc.is_in(stored[name], known.excluded[name].drop_null()) for name in ("vote_id", "session"))
    columns = {
        **{name: stored[name] for name in ("vote_id", "response_ms", "probability")},
        **{name: left[name] for name in _OF_PROMPT},
        **{name: rater[name] for name in rater.schema.names},
        "question": comparison["question"],
        "system_left": left["system"],
        "system_right": right["system"],
        "session": rater["session"].dictionary_encode(),  # of these votes: that of all is too large to be written anew
        "outcome": stored["outcome"].dictionary_encode(),
        "answered_at": _time(stored["answered_at"]),
        "late": stored["late"].cast(pa.bool_()),
        "excluded": pc.or_(*is_out),
    }
    return pa.record_batch([columns[name] for name in VOTES.names], VOTES)


def _looked_up(ids: pa.Array, rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.take(pc.index_in(ids, rows["id"]))


def _comparisons(study: Study) -> pa.RecordBatch:
    query = Comparison.objects.filter(question__study=study).values_list(
        "id", "question__key", "image_a_id", "image_b_id"
    )
    return pa.concat_batches(_fetched(query, _COMPARISONS))


def _images(study: Study) -> pa.RecordBatch:
    rows = Image.objects.filter(job__in=image_jobs(study))
    of_prompt = [f"job__prompt__{name}" for name in ("position", "category", "challenge")]
    return _columns(zip(*rows.values_list("id", *of_prompt, "job__system__slug"), strict=True), _IMAGES)


def _sessions(study: Study) -> pa.RecordBatch:
    rows = RaterSession.objects.filter(study=study).values_list("id", "rater_id", "public_id", "rater__kind")
    return _columns(zip(*((*ids, str(public_id), kind) for *ids, public_id, kind in rows), strict=True), _SESSIONS)


def _excluded(study: Study) -> pa.RecordBatch:
    """Of each exclusion the vote or the session."""
    rows = live_exclusions(study).values_list("vote_id", "session_id")
    return _columns(zip(*rows, strict=True) if rows else [[], []], _EXCLUDED)


def _columns(columns: Iterable[Iterable[object]], schema: pa.Schema) -> pa.RecordBatch:
    """Typed, as guessing each column's type takes longer than making it."""
    return pa.record_batch([_array(values, kind) for values, kind in zip(columns, schema.types, strict=True)], schema)


def _array(values: Iterable[object], kind: pa.DataType) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode() if kind == _NAME else pa.array(values, kind)


def _time(written: pa.Array) -> pa.Array:
    """To the millisecond. PostgreSQL writes the zone, which is UTC as in all that Django stores; SQLite does not."""
    times = pc.replace_substring(written, "+00", "").cast(pa.timestamp("us"))
    return times.cast(pa.timestamp("ms"), safe=False).cast(VOTES.field("answered_at").type)
