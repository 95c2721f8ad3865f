"""What is compared, two systems and two of their images, and the leases that raters hold on it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from comparisons.models.raters import RaterSession
from comparisons.models.studies import Question
from comparisons.statements import Given
from generation.models import Image, System


class Matchup(models.Model):
    """Two systems under one question: what matchmaking chooses between, and where the sides are balanced.

    Open leases and on-time votes are counted; a lease that expires is taken back out.
    """

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="matchups")
    system_a = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    system_b = models.ForeignKey(System, on_delete=models.PROTECT, related_name="+")
    votes_wanted = models.PositiveIntegerField(default=0, help_text="by all its comparisons together")
    a_left = models.PositiveIntegerField(default=0, help_text="times that system a was shown on the left")
    b_left = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("question", "system_a", "system_b")
        constraints = (
            models.UniqueConstraint(fields=["question", "system_a", "system_b"], name="one_matchup_per_pair"),
            models.CheckConstraint(condition=Q(system_a__lt=F("system_b")), name="matchup_systems_ordered"),
        )

    def __str__(self) -> str:
        return f"{self.system_a} and {self.system_b}: {self.question}"


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def open_to(self, session: RaterSession | Given) -> ComparisonQuerySet:
        """Those with capacity left which this session has not seen."""
        seen = Assignment.objects.filter(session=session, kind__in=Assignment.OF_THE_PAIR).values("comparison_id")
        return self.filter(taken__lt=F("votes_wanted")).exclude(id__in=seen)

    def with_room_beside(self) -> ComparisonQuerySet:
        """Where all questions are asked on one screen: those whose images have capacity left under each of them."""
        same = {name: OuterRef(name) for name in ("image_a", "image_b", "question__study")}
        return self.exclude(Exists(Comparison.objects.filter(**same, taken__gte=F("votes_wanted"))))

    def with_systems(self) -> ComparisonQuerySet:
        """No more than a lease needs: an image's provenance is long."""
        needed = ("question", "matchup", "image_a", "image_b", "votes_wanted")
        systems = ("matchup__system_a", "image_a__job__system")
        return self.select_related("matchup", "image_a__job").only(*needed, *systems)

    def with_images(self) -> ComparisonQuerySet:
        return self.select_related("matchup", "image_a__job", "image_b__job")


class Comparison(models.Model):
    """One question about two images of one prompt. `taken` counts open leases and on-time votes."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="comparisons")
    matchup = models.ForeignKey(Matchup, on_delete=models.CASCADE, related_name="comparisons")
    image_a = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    image_b = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+")
    votes_wanted = models.PositiveIntegerField()
    open_leases = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    taken = models.GeneratedField(
        expression=F("open_leases") + F("done"), output_field=models.PositiveIntegerField(), db_persist=True
    )
    shuffle = models.PositiveIntegerField(help_text="random: the order among equals")

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["question", "image_a", "image_b"], name="one_comparison_per_pair"),
            models.CheckConstraint(condition=Q(image_a__lt=F("image_b")), name="comparison_images_ordered"),
            models.CheckConstraint(
                condition=Q(votes_wanted__gte=F("open_leases") + F("done")), name="comparison_quota_kept"
            ),
        )
        indexes = (models.Index(fields=["matchup", "taken", "shuffle"], name="next_comparison"),)

    def __str__(self) -> str:
        return f"comparison {self.pk}"

    def is_in_system_order(self) -> bool:
        """Images are ordered by their id and systems by theirs: is image a the one of the matchup's system a?"""
        return self.image_a.job.system_id == self.matchup.system_a_id


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def open(self) -> AssignmentQuerySet:
        """Leases that nobody has answered, those taken ahead included."""
        return self.filter(state__in=Assignment.HELD)

    def expired_leases(self) -> AssignmentQuerySet:
        return self.open().filter(expires_at__lt=timezone.now())

    def with_prompt(self) -> AssignmentQuerySet:
        """What the page needs, and no more: an image's provenance is long."""
        own = [field.attname for field in Assignment._meta.concrete_fields]
        pair = ["comparison__question", "comparison__image_a", "comparison__image_b"]
        prompt = "comparison__image_a__job__prompt"
        return self.select_related(prompt).only(*own, *pair, f"{prompt}__text")

    def counting(self) -> AssignmentQuerySet:
        """Those that take the place of a vote in a quota, or have."""
        return self.filter(kind=Assignment.Kind.JUDGEMENT)


class Assignment(models.Model):
    """A lease: this session looks at this comparison, with this side order, until then.

    ahead -> open           it is the session's turn: its images have been loaded while the one before was judged
    open -> done            the answer came
    ahead, open -> expired  nobody answered; the capacity went back
    expired -> done         the answer came after all: kept, marked late, outside the quota
    done -> undone -> done  the rater took the answer back and gave another
    open -> reported        the rater said that the images cannot be judged; the capacity went back
    """

    class Kind(models.TextChoices):
        JUDGEMENT = "judgement"  # the only kind that is a vote on two systems, and that takes capacity
        REPEAT = "repeat"  # a pair judged before, with its sides exchanged
        CORRUPTED = "corrupted"  # image a, and the same spoilt
        MISMATCHED = "mismatched"  # image a, and what its system made of another prompt
        SAME = "same"  # image a twice
        GOLD = "gold"  # a pair whose answer the study knows

    class State(models.TextChoices):
        AHEAD = "ahead"
        OPEN = "open"
        DONE = "done"
        UNDONE = "undone"
        EXPIRED = "expired"
        REPORTED = "reported"

    OF_THE_PAIR = (Kind.JUDGEMENT, Kind.REPEAT, Kind.GOLD)
    HELD = (State.AHEAD, State.OPEN)
    VISIBLE = (State.AHEAD, State.OPEN, State.UNDONE)

    session = models.ForeignKey(RaterSession, on_delete=models.PROTECT, related_name="assignments")
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="assignments")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.JUDGEMENT)
    is_practice = models.BooleanField(default=False)
    stand_in = models.ForeignKey(
        Image, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="in the place of image b"
    )
    beside = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="companions",
        help_text="the first question's assignment, where all questions about a pair are asked on one screen",
    )
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    a_is_left = models.BooleanField()
    left_token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    right_token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    probability = models.FloatField(help_text="with which matchmaking drew this pair of systems")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["session", "comparison", "kind", "is_practice"], name="pair_seen_once"),
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state="open", beside__isnull=True),
                name="one_open_assignment_per_session",
            ),
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state="ahead", beside__isnull=True),
                name="one_assignment_ahead_per_session",
            ),
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state="undone", beside__isnull=True),
                name="one_undone_assignment_per_session",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="assignment_expires_later"),
            models.CheckConstraint(
                condition=Q(state__in=["ahead", "open", "done", "undone", "expired", "reported"]),
                name="assignment_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["judgement", "repeat", "gold"], stand_in__isnull=True)
                | Q(kind__in=["corrupted", "mismatched", "same"], stand_in__isnull=False),
                name="assignment_stand_in_fits_kind",
            ),
            models.CheckConstraint(
                condition=Q(is_practice=False) | Q(kind__in=["corrupted", "mismatched"]),
                name="practice_has_a_known_answer",
            ),
            models.CheckConstraint(
                condition=Q(probability__gt=0, probability__lte=1), name="assignment_probability_valid"
            ),
        )
        indexes = (
            models.Index(fields=["expires_at"], name="open_lease_by_end", condition=Q(state__in=["ahead", "open"])),
        )

    def __str__(self) -> str:
        return f"assignment {self.pk}"
