from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from comparisons.models import (
    Assignment,
    Comparison,
    Exclusion,
    Question,
    Rater,
    RaterSession,
    Report,
    Study,
    Vote,
)
from people import rights
from people.admin import ReadOnlyAdmin
from people.rights import Right

_RATER_KIND = "assignment__session__rater__kind"
_HASHES = ("worker_hash", "submission_hash", "completion_code")


class _WithHashes(ReadOnlyAdmin):
    """Hashes and codes tie a session to a row of the platform's book: they show to those alone who may see them."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [name for name in super().get_fields(request, obj) if _may_see(request, str(name), obj)]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Nor may they be guessed, letter by letter, from the address of the list."""
        names = lookup.split("__")
        return all(_may_see(request, name) for name in names) and super().lookup_allowed(lookup, value, request)


def _may_see(request: HttpRequest, name: str, row: Rater | RaterSession | None = None) -> bool:
    """Those with the permission may in every study, and those with the right in theirs."""
    if name not in _HASHES or request.user.has_perm("comparisons.view_worker_hash"):
        return True
    if row is None:
        return False
    studies = [row.study] if isinstance(row, RaterSession) else Study.objects.filter(sessions__rater=row)
    return any(Right.SEE_WORKERS in rights.of(request.user, study) for study in studies)


@admin.register(Study)
class StudyAdmin(ReadOnlyAdmin):
    list_display = ("slug", "state", "opened_at", "closed_at", "design_hash")


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    list_display = ("study", "position", "key", "wording")
    list_select_related = ("study",)


@admin.register(Comparison)
class ComparisonAdmin(ReadOnlyAdmin):
    list_display = ("id", "question", "votes_wanted", "done", "open_leases")
    list_filter = ("question",)
    list_select_related = ("question",)


@admin.register(Rater)
class RaterAdmin(_WithHashes):
    list_display = ("id", "kind", "platform", "created_at", "erased_at")
    list_filter = ("kind", "platform")


@admin.register(RaterSession)
class RaterSessionAdmin(_WithHashes):
    list_display = ("public_id", "study", "rater__kind", "consented_at", "completed_at")
    list_filter = ("rater__kind",)
    list_select_related = ("study", "rater")


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "session", "comparison", "kind", "state", "issued_at", "expires_at")
    list_filter = ("state", "kind")
    list_select_related = ("session", "comparison")


@admin.register(Vote)
class VoteAdmin(ReadOnlyAdmin):
    list_display = ("id", "assignment", "outcome", "response_ms", "late", _RATER_KIND, "answered_at")
    list_filter = ("outcome", "late", _RATER_KIND)
    list_select_related = ("assignment__session__rater",)


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    list_display = ("id", "assignment", "problem", "note", "created_at")
    list_filter = ("problem",)
    list_select_related = ("assignment",)


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    list_display = ("id", "vote", "session", "rule", "reason", "created_at", "revoked_at")
    list_select_related = ("vote", "session")
