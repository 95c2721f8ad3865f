"""Studies, their comparisons, the leases that raters hold, and the votes."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property

from comparisons.protocol import Protocol
from comparisons.statements import Given, Statement, given_id
from generation.models import Image, PromptSet, System


def new_key() -> str:
    """An address that says nothing: raters must not read a system's name in a study's slug."""
    return secrets.token_urlsafe(9).replace("-", "x").replace("_", "y")


def new_completion_code() -> str:
    return secrets.token_hex(4).upper()


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
        offered = [Vote.Outcome.LEFT, Vote.Outcome.RIGHT]
        if self.offers_tie:
            offered.append(Vote.Outcome.TIE)
        if self.offers_both_bad:
            offered.append(Vote.Outcome.BOTH_BAD)
        return [str(outcome) for outcome in offered]


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

    def votes(self) -> VoteQuerySet:
        return Vote.objects.filter(assignment__session=self)

    @property
    def has_ended(self) -> bool:
        return self.stage in self.ENDINGS

    @property
    def code(self) -> str:
        return self.code_of(self.stage)

    def code_of(self, ending: str) -> str:
        """Another one for each ending, so that one says nothing of the others."""
        if ending == self.Stage.COMPLETED:
            return self.completion_code
        return hashlib.sha256(f"{self.completion_code}:{ending}".encode()).hexdigest()[:8].upper()


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


class InsertOnlyError(TypeError):
    """Votes are what people said: they are never changed or deleted, only excluded with a reason."""


class VoteQuerySet(models.QuerySet["Vote"]):
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

    class Outcome(models.TextChoices):
        LEFT = "left"
        RIGHT = "right"
        TIE = "tie"
        BOTH_BAD = "both_bad"

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


class Invitation(models.Model):
    """One person's way into one study; the token itself is known to the invited alone."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"invitation {self.pk}"


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
