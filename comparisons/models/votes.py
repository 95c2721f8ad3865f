"""What raters answered, what they reported, and what is left out of an analysis."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from comparisons.models.pairs import Assignment
from comparisons.models.raters import RaterSession
from comparisons.models.studies import Outcome, Study


class InsertOnlyError(TypeError):
    """Votes are what people said: they are never changed or deleted, only excluded with a reason."""


class VoteQuerySet(models.QuerySet["Vote"]):
    def of_session(self, session: RaterSession) -> VoteQuerySet:
        return self.filter(assignment__session=session)

    def standing(self) -> VoteQuerySet:
        """Judgements of two systems that were not taken back. All statistics are about these."""
        return self.not_taken_back().filter(assignment__kind=Assignment.Kind.JUDGEMENT, assignment__is_practice=False)

    def not_taken_back(self) -> VoteQuerySet:
        """Not asked for as `superseded_by=None`: PostgreSQL believes that a join without a partner leaves one row, and
        reads a million votes to find it.
        """
        return self.filter(~models.Exists(Vote.objects.filter(supersedes=models.OuterRef("pk"))))

    def update(self, **kwargs: object) -> int:
        raise InsertOnlyError("votes are insert-only: exclude them instead")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise InsertOnlyError("votes are insert-only: exclude them instead")


class Vote(models.Model):
    """What the rater answered, as seen: left and right. Insert-only; triggers in the database refuse the rest."""

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="votes")
    supersedes = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="superseded_by",
        help_text="the answer that the rater took back",
    )
    client_key = models.UUIDField(unique=True, help_text="minted by the page: the same answer posted twice is one vote")
    outcome = models.CharField(max_length=10, choices=Outcome)
    response_ms = models.PositiveIntegerField()
    late = models.BooleanField(default=False)
    answered_at = models.DateTimeField(default=timezone.now)

    objects = VoteQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(outcome__in=["left", "right", "tie", "both_bad"]), name="vote_outcome_is_known"
            ),
            models.UniqueConstraint(
                fields=["assignment"], condition=Q(supersedes__isnull=True), name="one_first_vote_per_assignment"
            ),
        )
        indexes = (models.Index(fields=["id"], name="late_vote", condition=Q(late=True)),)

    def __str__(self) -> str:
        return f"vote {self.pk}"


class Report(models.Model):
    """A rater says that a pair cannot be judged. It is no vote."""

    class Problem(models.TextChoices):
        BROKEN = "broken"
        OFFENSIVE = "offensive"
        OTHER = "other"

    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="report")
    problem = models.CharField(max_length=10, choices=Problem)
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(problem__in=["broken", "offensive", "other"]), name="report_problem_is_known"
            ),
        )

    def __str__(self) -> str:
        return f"report {self.pk}"


class ExclusionQuerySet(models.QuerySet["Exclusion"]):
    def of_study(self, study: Study) -> ExclusionQuerySet:
        """Of votes and of whole sessions, revoked ones too."""
        return self.filter(Q(session__study=study) | Q(vote__assignment__session__study=study))


class Exclusion(models.Model):
    """Takes a vote or a whole session out of an analysis, for a stated reason, until revoked."""

    vote = models.ForeignKey(Vote, on_delete=models.PROTECT, null=True, blank=True, related_name="exclusions")
    session = models.ForeignKey(
        RaterSession, on_delete=models.PROTECT, null=True, blank=True, related_name="exclusions"
    )
    reason = models.CharField(max_length=300)
    rule = models.CharField(max_length=30, blank=True, help_text="of the study file; empty: somebody decided it")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_because = models.CharField(max_length=300, blank=True)

    objects = ExclusionQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(vote__isnull=False, session__isnull=True) | Q(vote__isnull=True, session__isnull=False),
                name="exclusion_has_one_target",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="exclusion_has_reason"),
            models.UniqueConstraint(
                fields=["vote"], condition=Q(revoked_at__isnull=True), name="one_exclusion_per_vote"
            ),
            models.UniqueConstraint(
                fields=["session"], condition=Q(revoked_at__isnull=True), name="one_exclusion_per_session"
            ),
        )

    def __str__(self) -> str:
        return self.reason

    @property
    def target(self) -> tuple[str, int | None]:
        return ("vote", self.vote_id) if self.vote_id is not None else ("session", self.session_id)

    def revoke(self, user_id: int | None, because: str) -> bool:
        """Without a user a rule does it. False: it had been revoked before."""
        live = Exclusion.objects.filter(id=self.id, revoked_at=None)
        return bool(live.update(revoked_at=timezone.now(), revoked_by=user_id, revoked_because=because[:300]))
