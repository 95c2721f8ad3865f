"""A study and its questions."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property

from comparisons.protocol import Protocol
from comparisons.statements import Statement, given_id
from generation.models import PromptSet, System


def new_key() -> str:
    """An address that says nothing: raters must not read a system's name in a study's slug."""
    return secrets.token_urlsafe(9).replace("-", "x").replace("_", "y")


def new_completion_code() -> str:
    return secrets.token_hex(4).upper()


class Outcome(models.TextChoices):
    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"


class Study(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        CLOSED = "closed"

    slug = models.SlugField(max_length=100, unique=True)
    key = models.CharField(max_length=20, unique=True, default=new_key, editable=False)
    title = models.CharField(max_length=200, help_text="shown to raters")
    introduction = models.TextField(blank=True)
    consent_text = models.TextField()
    prompt_set = models.ForeignKey(PromptSet, on_delete=models.PROTECT, related_name="studies")
    systems = models.ManyToManyField(System, related_name="studies")
    votes_wanted = models.PositiveIntegerField(help_text="votes wanted for each comparison")
    judgements_per_question = models.PositiveIntegerField(null=True, blank=True)
    display_px = models.PositiveIntegerField()
    padded_bytes = models.PositiveIntegerField(default=0, help_text="length of every image that raters get")
    admitted = models.PositiveIntegerField(
        default=0, help_text="raters who hold one of the places, where those are limited"
    )
    seed = models.PositiveBigIntegerField()
    matchmaking = models.CharField(max_length=50)
    design = models.JSONField(help_text="all that decides what is asked and shown; its hash is the design hash")
    design_hash = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "slug")
        verbose_name_plural = "studies"
        constraints = (
            models.CheckConstraint(condition=Q(state__in=["draft", "open", "closed"]), name="study_state_is_known"),
            models.CheckConstraint(
                condition=Q(state="draft", opened_at__isnull=True, design_hash="")
                | (~Q(state="draft") & Q(opened_at__isnull=False) & ~Q(design_hash="")),
                name="study_draft_iff_never_opened",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False, closed_at__gte=F("opened_at"))
                | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="study_closed_after_opened",
            ),
            models.CheckConstraint(condition=Q(votes_wanted__gte=1), name="study_wants_votes"),
        )

    def __str__(self) -> str:
        return self.slug

    @cached_property
    def protocol(self) -> Protocol:
        return Protocol.from_design(self.design["protocol"])

    @property
    def hides_results(self) -> bool:
        """Until it is closed: nobody is to see who leads while raters still judge."""
        return self.protocol.hide_results_until_closed and self.state != self.State.CLOSED

    @cached_property
    def ordered_questions(self) -> list[Question]:
        questions = _IN_ORDER.rows(study=self.id)
        for question in questions:
            question.study = self
        return questions


_IN_ORDER = Statement(lambda: Question.objects.filter(study=given_id("study")).order_by("position"))


class Question(models.Model):
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="questions")
    key = models.SlugField(max_length=100)
    position = models.PositiveIntegerField()
    wording = models.CharField(max_length=300)
    offers_tie = models.BooleanField(default=False)
    offers_both_bad = models.BooleanField(default=False)
    comparison_count = models.PositiveIntegerField(default=0, help_text="how many there are to judge so far")
    help = models.TextField(blank=True)
    practice = models.JSONField(default=list, help_text="kinds of the pairs with feedback, in their order")
    checks = models.JSONField(default=list, help_text="kinds of the attention checks, in turns")

    class Meta:
        ordering = ("study", "position")
        constraints = (
            models.UniqueConstraint(fields=["study", "key"], name="one_question_per_key"),
            models.UniqueConstraint(fields=["study", "position"], name="one_question_per_position"),
        )

    def __str__(self) -> str:
        return self.key

    def outcomes(self) -> list[str]:
        """What may be answered."""
        offered = [Outcome.LEFT, Outcome.RIGHT]
        if self.offers_tie:
            offered.append(Outcome.TIE)
        if self.offers_both_bad:
            offered.append(Outcome.BOTH_BAD)
        return [str(outcome) for outcome in offered]
