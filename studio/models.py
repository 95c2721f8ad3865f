"""Designs on their way: what somebody has typed of a study, whether or not it is one yet."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils import timezone

from comparisons.models import Study
from people.rights import studies_of


class WorkingCopyQuerySet(models.QuerySet["WorkingCopy"]):
    def seen_by(self, user: User) -> WorkingCopyQuerySet:
        """One's own, and those of the studies in which one takes part."""
        studies = Study.objects.filter(studies_of(user))
        return self.filter(Q(study=None, owner=user) | Q(study__in=studies)).select_related("study")

    def unsaved_by(self, user: User) -> WorkingCopyQuerySet:
        """Those that have not become a study, the last touched first."""
        return self.filter(study=None, owner=user).order_by("-updated_at", "-id")

    def of_draft(self, study: Study) -> WorkingCopy | None:
        """None where there is none yet, and where the study is no draft any more."""
        return self.filter(study=study, study__state=Study.State.DRAFT).select_related("study").first()


class WorkingCopy(models.Model):
    """The form of a study as it was typed, mistakes included: text by the key of the study file.

    It is saved into a study that is a draft. Who changes it must hold its last version, so that of two windows none
    loses what was typed in the other.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="working_copies")
    study = models.OneToOneField(Study, on_delete=models.CASCADE, null=True, related_name="working_copy")
    predecessor = models.ForeignKey(
        Study, on_delete=models.SET_NULL, null=True, related_name="successors", help_text="of which it is a new version"
    )
    content = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    study_hash = models.CharField(max_length=64, blank=True, help_text="of the study's design as it was last saved")
    updated_at = models.DateTimeField(default=timezone.now)

    objects = WorkingCopyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "working copies"

    def __str__(self) -> str:
        return str(self.content.get("slug") or f"unnamed design {self.pk}")

    @property
    def is_frozen(self) -> bool:
        """Its study was opened: nothing more can be saved into it."""
        return self.study is not None and self.study.state != Study.State.DRAFT
