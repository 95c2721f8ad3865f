"""Stored results."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from comparisons.models import Study


class Snapshot(models.Model):
    """What the statistics made of a study's votes at one moment. `inputs_hash` covers all that decides them."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="snapshots")
    inputs_hash = models.CharField(max_length=64)
    results = models.TextField(help_text="JSON; as text, since PostgreSQL's own type forgets the order of keys")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)
        constraints = (models.UniqueConstraint(fields=["study", "inputs_hash"], name="one_snapshot_per_inputs"),)

    def __str__(self) -> str:
        return f"{self.study}: {self.inputs_hash[:12]}"
