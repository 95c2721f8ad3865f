from __future__ import annotations

from django.contrib import admin

from analysis.models import Snapshot
from people.admin import ReadOnlyAdmin


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ("study", "kind", "computed_at", "took_ms", "votes")
    list_filter = ("kind", "study")
    list_select_related = ("study",)
