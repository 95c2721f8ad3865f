"""Who may do what in which study, tokens that stand for a person, and the log of what was done."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Membership(models.Model):
    """One person's role in one study."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ANALYST = "analyst"
        OPERATOR = "operator"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    study = models.ForeignKey("comparisons.Study", on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "study"], name="one_role_per_person_and_study"),
            models.CheckConstraint(
                condition=Q(role__in=["owner", "analyst", "operator"]), name="membership_role_is_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user}, {self.role} of {self.study}"


class TokenQuerySet(models.QuerySet["Token"]):
    def alive(self) -> TokenQuerySet:
        """Neither revoked nor expired, and of an account that is active."""
        in_time = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(in_time, revoked_at=None, user__is_active=True)


class Token(models.Model):
    """Stands for a person in the API, within its scopes. Of the secret only a hash is kept."""

    class Scope(models.TextChoices):
        READ_STUDIES = "read:studies", "Read studies and their progress"
        READ_RESULTS = "read:results", "Read results"
        READ_VOTES = "read:votes", "Read votes"
        WRITE_STUDIES = "write:studies", "Make, change, open and close studies"
        WRITE_IMAGES = "write:images", "Ask for images and import them"
        WRITE_VOTES = "write:votes", "Exclude, restore and import votes"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=20, unique=True, help_text="the part of the secret that pages show")
    sha256 = models.CharField(max_length=64, help_text="of the whole secret")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "name"], condition=Q(revoked_at__isnull=True), name="one_token_per_name"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="token_has_name"),
            models.CheckConstraint(condition=~Q(scopes=[]), name="token_has_scopes"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class Verb(models.TextChoices):
    """The labels complete the sentence "Ana ..."."""

    CREATED = "created", "created the study"
    CHANGED = "changed", "changed the draft"
    DELETED = "deleted", "deleted the draft"
    OPENED = "opened", "opened the study"
    CLOSED = "closed", "closed the study"
    GENERATED = "generated", "asked for images"
    RETRIED = "retried", "tried failed images again"
    IMPORTED = "imported", "imported"
    INVITED = "invited", "invited raters"
    EXCLUDED = "excluded", "excluded"
    RESTORED = "restored", "restored"
    RECONCILED = "reconciled", "compared the platform's book"
    EXPORTED = "exported", "exported"
    ERASED = "erased", "erased a rater"
    GRANTED = "granted", "gave a role"
    REVOKED = "revoked", "took a role away"
    TOKEN_MADE = "token_made", "made an access token"
    TOKEN_REVOKED = "token_revoked", "revoked an access token"
    PASSWORD_CHANGED = "password_changed", "changed their password"
    SIGNED_IN = "signed_in", "signed in"
    SIGN_IN_LOCKED = "sign_in_locked", "was locked out after failed sign-ins"


class AuditEntry(models.Model):
    """Somebody did something. Insert-only: triggers in the database refuse the rest.

    The study is kept by its name, so that the entry outlives a draft that is deleted.
    """

    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=20, choices=Verb)
    study_slug = models.SlugField(max_length=100, blank=True, db_index=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    by = models.CharField(max_length=150, blank=True, help_text="who, where it was no account: the shell's user")
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name_plural = "audit entries"
        constraints = (
            models.CheckConstraint(
                condition=Q(actor__isnull=False, by="") | (Q(actor__isnull=True) & ~Q(by="")),
                name="audit_entry_names_one_actor",
            ),
            models.CheckConstraint(condition=Q(verb__in=Verb.values), name="audit_entry_verb_is_known"),
        )
        indexes = (models.Index(fields=["study_slug", "-id"], name="activity_of_study"),)

    def __str__(self) -> str:
        return f"{self.who} {self.get_verb_display()}"

    @property
    def who(self) -> str:
        return self.actor.get_username() if self.actor else self.by
