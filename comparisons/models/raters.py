"""Who judges: raters, their sessions in a study, and invitations to one."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from comparisons.models.studies import Study, new_completion_code


class Rater(models.Model):
    """Somebody who takes part. No name, no address: of an id that a platform gave them, only a keyed hash is kept."""

    class Kind(models.TextChoices):
        PERSON = "person"
        SIMULATED = "simulated"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PERSON)
    platform = models.CharField(max_length=20, default="link")
    worker_hash = models.CharField(max_length=64, blank=True, help_text="of the platform's id, with the site's secret")
    created_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True, help_text="when all that pointed to a person was removed")

    class Meta:
        permissions = (("view_worker_hash", "Can see the hashes of the ids that platforms gave raters"),)
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=["person", "simulated"]), name="rater_kind_is_known"),
            models.UniqueConstraint(
                fields=["platform", "worker_hash"], condition=~Q(worker_hash=""), name="one_rater_per_worker"
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | Q(worker_hash=""), name="erased_rater_is_nobody"
            ),
        )

    def __str__(self) -> str:
        return f"rater {self.pk}"


class RaterSession(models.Model):
    """One rater's way through one study. It moves forward only, by compare-and-swap in sessions.py.

    instructions -> comprehension -> practice -> judging -> completed, without the stages that the study does not have
    comprehension -> screened out   the second try was wrong, too
    judging -> failed               too many attention checks were failed
    """

    class Stage(models.TextChoices):
        INSTRUCTIONS = "instructions"
        COMPREHENSION = "comprehension"
        PRACTICE = "practice"
        JUDGING = "judging"
        COMPLETED = "completed"
        SCREENED_OUT = "screened_out"
        FAILED = "failed"

    ENDINGS = (Stage.COMPLETED, Stage.SCREENED_OUT, Stage.FAILED)

    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, related_name="sessions")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="sessions")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    consented_at = models.DateTimeField()
    consent_version = models.CharField(max_length=64, help_text="SHA-256 of the text that was agreed to")
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.JUDGING)
    comprehension_tries = models.PositiveIntegerField(default=0)
    submission_hash = models.CharField(max_length=64, blank=True, help_text="of the platform's id of this submission")
    completion_code = models.CharField(max_length=20, default=new_completion_code, editable=False)
    completed_at = models.DateTimeField(null=True, blank=True, help_text="when the way ended, whichever way")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["rater", "study"], name="one_session_per_rater_and_study"),
            models.CheckConstraint(
                condition=Q(
                    stage__in=["instructions", "comprehension", "practice", "judging"], completed_at__isnull=True
                )
                | Q(stage__in=["completed", "screened_out", "failed"], completed_at__isnull=False),
                name="session_ended_iff_in_an_ending",
            ),
            models.CheckConstraint(condition=~Q(consent_version=""), name="session_names_its_consent"),
        )

    def __str__(self) -> str:
        return f"session {self.pk}"

    @property
    def has_ended(self) -> bool:
        return self.stage in self.ENDINGS

    @property
    def code(self) -> str:
        return self.code_of(self.stage)

    def code_of(self, ending: str) -> str:
        """Another one for each ending, made with the site's secret, so that one says nothing of the others."""
        if ending == self.Stage.COMPLETED:
            return self.completion_code
        code = salted_hmac(f"comparisons.ending.{ending}", self.completion_code, algorithm="sha256").hexdigest()
        return code[:8].upper()


class Invitation(models.Model):
    """One person's way into one study; the token itself is known to the invited alone."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"invitation {self.pk}"
