from __future__ import annotations

from django.contrib import admin

from analysis.models import Snapshot
from generation.admin import ReadOnlyAdmin


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    list_display = ("study", "inputs_hash", "created_at")
    list_filter = ("study",)
    list_select_related = ("study",)
