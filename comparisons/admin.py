from __future__ import annotations

from django.contrib import admin

from comparisons.models import Assignment, Comparison, Exclusion, Question, RaterSession, Study, Vote
from generation.admin import ReadOnlyAdmin

_RATER_KIND = "assignment__session__rater__kind"


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


@admin.register(RaterSession)
class RaterSessionAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "study", "rater__kind", "consented_at", "completed_at")
    list_filter = ("rater__kind",)
    list_select_related = ("study", "rater")


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "session", "comparison", "state", "issued_at", "expires_at")
    list_filter = ("state",)
    list_select_related = ("session", "comparison")


@admin.register(Vote)
class VoteAdmin(ReadOnlyAdmin):
    list_display = ("id", "assignment", "outcome", "response_ms", "late", _RATER_KIND, "answered_at")
    list_filter = ("outcome", "late", _RATER_KIND)
    list_select_related = ("assignment__session__rater",)


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    list_display = ("id", "vote", "session", "reason", "created_at", "revoked_at")
    list_select_related = ("vote", "session")
