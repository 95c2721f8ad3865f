"""Pages by cursor: the id after which a page begins, so that rows which come meanwhile shift nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import Field

MOST = 1000
_Row = TypeVar("_Row", bound=Model)


class Paging(Schema):
    limit: int = Field(100, ge=1, le=MOST, description="How many a page holds at most.")
    cursor: int = Field(0, ge=0, le=2**53, description="The `next_cursor` of the page before.")


class Page(Schema):
    next_cursor: int | None = Field(description="Of the page that follows; null where none does.")


def cut(rows: QuerySet[_Row], paging: Paging) -> tuple[Sequence[_Row], int | None]:
    """One page in the order of ids, and the cursor of the next."""
    found = list(rows.filter(pk__gt=paging.cursor).order_by("pk")[: paging.limit + 1])
    return found[: paging.limit], found[paging.limit - 1].pk if len(found) > paging.limit else None
