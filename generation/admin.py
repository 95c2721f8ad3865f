from __future__ import annotations

from django.contrib import admin

from generation.models import Checkpoint, Image, ImageJob, LatencyRun, Prompt, PromptSet, System
from people.admin import ReadOnlyAdmin


@admin.register(PromptSet)
class PromptSetAdmin(ReadOnlyAdmin):
    list_display = ("slug", "source", "sha256", "created_at")


@admin.register(Prompt)
class PromptAdmin(ReadOnlyAdmin):
    list_display = ("prompt_set", "position", "text", "category", "challenge")
    list_filter = ("prompt_set",)
    list_select_related = ("prompt_set",)


@admin.register(System)
class SystemAdmin(ReadOnlyAdmin):
    list_display = ("slug", "steps", "fingerprint", "created_at")


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ("location", "revision", "sha256", "created_at")


@admin.register(ImageJob)
class ImageJobAdmin(ReadOnlyAdmin):
    list_display = ("id", "system", "prompt", "seed", "state", "attempts", "error")
    list_filter = ("state", "system")
    list_select_related = ("system", "prompt")


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "job", "width", "height", "total_ms", "created_at")
    list_select_related = ("job__system", "job__prompt")


@admin.register(LatencyRun)
class LatencyRunAdmin(ReadOnlyAdmin):
    list_display = ("system", "device", "batch_size", "runs", "error", "created_at")
    list_filter = ("system", "device")
