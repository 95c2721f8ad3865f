"""Stored results."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from comparisons.models import Study


class Snapshot(models.Model):
    """What the statistics made of a study's votes, of one kind (kinds.KINDS): the newest, and who computes the next.

    never computed -> computed -> computed anew, each time by whoever holds the claim. `inputs_hash` covers all that
    decides the numbers. The last three of the votes are how newer ones are told without counting all: see snapshots.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="snapshots")
    kind = models.CharField(max_length=40)
    results = models.TextField(blank=True, help_text="JSON; as text, since PostgreSQL's own type forgets the key order")
    inputs_hash = models.CharField(max_length=64, blank=True)
    votes = models.PositiveBigIntegerField(default=0, help_text="that the study had, whatever their kind")
    seen_to = models.PositiveBigIntegerField(default=0, help_text="id of the site's newest vote when they were counted")
    seen_last = models.PositiveIntegerField(default=0, help_text="the study's among the last ids up to that")
    computed_at = models.DateTimeField(null=True, blank=True)
    took_ms = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(null=True, blank=True, help_text="since when a page waits for new numbers")
    error = models.TextField(blank=True, help_text="why the last computation ended without numbers")
    claim = models.CharField(max_length=32, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("study", "kind")
        constraints = (
            models.UniqueConstraint(fields=["study", "kind"], name="one_snapshot_per_kind"),
            models.CheckConstraint(
                condition=Q(computed_at__isnull=True, inputs_hash="")
                | Q(computed_at__isnull=False) & ~Q(inputs_hash=""),
                name="snapshot_computed_iff_inputs_known",
            ),
            models.CheckConstraint(
                condition=Q(lease_expires_at__isnull=True, claim="") | Q(lease_expires_at__isnull=False) & ~Q(claim=""),
                name="snapshot_lease_iff_claimed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.study}: {self.kind}"
