"""Prompts, systems, the jobs that make images, and the images with their provenance."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from generation.systems import SystemSpec


class PromptSet(models.Model):
    slug = models.SlugField(max_length=100, unique=True)
    source = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.slug


class Prompt(models.Model):
    prompt_set = models.ForeignKey(PromptSet, on_delete=models.PROTECT, related_name="prompts")
    position = models.PositiveIntegerField()
    text = models.TextField()
    category = models.CharField(max_length=100, blank=True)
    challenge = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ("prompt_set", "position")
        constraints = (
            models.UniqueConstraint(fields=["prompt_set", "position"], name="one_prompt_per_position"),
            models.CheckConstraint(condition=~Q(text=""), name="prompt_has_text"),
        )

    def __str__(self) -> str:
        return self.text


class System(models.Model):
    """A contestant: a model at one configuration. Two step counts are two systems."""

    slug = models.CharField(max_length=120, unique=True)
    fingerprint = models.CharField(max_length=64, unique=True)
    steps = models.PositiveIntegerField()
    spec = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("slug",)
        constraints = (models.CheckConstraint(condition=Q(steps__gte=1), name="system_has_steps"),)

    def __str__(self) -> str:
        return self.slug

    def parsed_spec(self) -> SystemSpec:
        return SystemSpec.from_dict(self.spec)


class Checkpoint(models.Model):
    """The files that were loaded, by their content. Images name it in their environment, by its hash."""

    sha256 = models.CharField(max_length=64, unique=True, help_text="of the revision and the files")
    location = models.TextField(help_text="hub id or folder that it was first loaded from")
    revision = models.CharField(max_length=64, blank=True, help_text="the hub's commit, where it is known")
    files = models.JSONField(help_text="the SHA-256 of each file, by its path; empty where nobody could look")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("location", "id")

    def __str__(self) -> str:
        return f"{self.location} {self.sha256[:12]}"


class ImageJobQuerySet(models.QuerySet["ImageJob"]):
    def claimable(self) -> ImageJobQuerySet:
        return self.filter(state=ImageJob.State.QUEUED, not_before__lte=timezone.now())

    def lapsed(self) -> ImageJobQuerySet:
        return self.filter(state=ImageJob.State.RUNNING, lease_expires_at__lt=timezone.now())

    def counts_by_system(self) -> dict[int, dict[str, int]]:
        """{system id: {state: number of jobs}}, in one query."""
        counts: dict[int, dict[str, int]] = {}
        for row in self.order_by().values("system_id", "state").annotate(n=models.Count("id")):
            counts.setdefault(row["system_id"], {})[row["state"]] = row["n"]
        return counts


class ImageJob(models.Model):
    """The wish for one image. State moves by compare-and-swap in jobs.py and nowhere else.

    queued -> running   claimed by a worker, attempts + 1, lease set
    running -> done     the image is stored, in the same transaction
    running -> queued   a transient error (not before a delay), or the worker's lease lapsed
    running -> failed   a permanent error, or too many attempts
    failed -> queued    somebody asked for a retry; attempts start again
    queued or failed -> done   an image made elsewhere was imported, in the same transaction
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="jobs")
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="jobs")
    seed = models.PositiveBigIntegerField()
    display_px = models.PositiveIntegerField(help_text="size of the display derivative that is made at once")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0, help_text="claims so far")
    not_before = models.DateTimeField(default=timezone.now)
    message_sent_at = models.DateTimeField(null=True, blank=True, help_text="when a worker was last told of it")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    claim = models.CharField(max_length=32, blank=True, help_text="token of the worker's claim, while running")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ImageJobQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["system", "prompt", "seed"], name="one_job_per_image"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed"]), name="job_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_expires_at__isnull=False)
                | (~Q(state="running") & Q(lease_expires_at__isnull=True)),
                name="job_lease_iff_running",
            ),
        )
        indexes = (
            models.Index(fields=["state", "not_before"], name="job_by_state"),
            models.Index(fields=["claim"], name="job_by_claim", condition=Q(state="running")),
        )

    def __str__(self) -> str:
        return f"{self.system} / prompt {self.prompt_id} / seed {self.seed}"


class ImageQuerySet(models.QuerySet["Image"]):
    def imported(self) -> ImageQuerySet:
        return self.filter(environment__imported=True)

    def made_here(self) -> ImageQuerySet:
        return self.filter(environment__imported__isnull=True)


class Image(models.Model):
    """What one system made of one prompt with one seed. Never changed, never shown under its own name."""

    job = models.OneToOneField(ImageJob, on_delete=models.PROTECT, related_name="image")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sha256 = models.CharField(max_length=64, help_text="of the stored original, which is its address")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    detail = models.FloatField(default=0.0, help_text="by how much a coarse copy differs from it: see storage.detail")
    encode_ms = models.FloatField(null=True, help_text="this and the other timings are null where nobody knows them")
    forward_ms = models.JSONField(null=True, help_text="one number per forward of the denoiser")
    denoise_ms = models.FloatField(null=True)
    decode_ms = models.FloatField(null=True)
    total_ms = models.FloatField(null=True)
    environment = models.JSONField(
        help_text="versions, device, dtype, batch size, memory and checkpoints' hashes; of an imported image, its file"
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = ImageQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(encode_ms__gte=0, denoise_ms__gte=0, decode_ms__gte=0, total_ms__gte=0),
                name="image_timings_not_negative",
            ),
            models.CheckConstraint(condition=Q(width__gte=1, height__gte=1), name="image_has_size"),
        )

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def is_imported(self) -> bool:
        """Then the job's seed only says which study the image belongs to; it was made with its own, if any."""
        return self.environment.get("imported") is True

    def provenance(self) -> dict[str, Any]:
        job = self.job
        return {
            "system": job.system.slug,
            "fingerprint": job.system.fingerprint,
            "spec": job.system.spec,
            "prompt": job.prompt.text,
            "seed": self.environment["seed"] if self.is_imported else job.seed,
            "sha256": self.sha256,
            "size": [self.width, self.height],
            "timings": {
                "encode_ms": self.encode_ms,
                "forward_ms": self.forward_ms,
                "denoise_ms": self.denoise_ms,
                "decode_ms": self.decode_ms,
                "total_ms": self.total_ms,
            },
            "environment": self.environment,
            "checkpoints": self._checkpoints(),
            "made_at": self.created_at.isoformat(),
        }

    def _checkpoints(self) -> dict[str, dict[str, Any]]:
        """By the key of the specification that names each; "prior" is the one that the card of the model names."""
        named: dict[str, str] = self.environment.get("checkpoints", {})
        rows = Checkpoint.objects.filter(sha256__in=set(named.values()))
        known = {row.sha256: row for row in rows}
        return {
            key: {
                "sha256": sha256,
                "location": known[sha256].location,
                "revision": known[sha256].revision or None,
                "files": known[sha256].files,
            }
            for key, sha256 in named.items()
        }


class LatencyRun(models.Model):
    """Calls of one system at one batch size, made by benchmark_latency; or why there are none."""

    system = models.CharField(max_length=120, help_text="slug; the system need not be part of any study")
    fingerprint = models.CharField(max_length=64)
    spec = models.JSONField()
    device = models.CharField(max_length=200, blank=True)
    batch_size = models.PositiveIntegerField()
    runs = models.PositiveIntegerField(help_text="calls measured")
    timings = models.JSONField(help_text="the stages of each call, in milliseconds")
    environment = models.JSONField(help_text="of the last call, as in an image's provenance")
    error = models.TextField(blank=True, help_text="why nothing was measured: it did not fit into the device's memory")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(batch_size__gte=1), name="latency_run_has_batch"),
            models.CheckConstraint(
                condition=Q(runs=0) & ~Q(error="") | Q(runs__gte=1, error=""), name="latency_run_measured_or_failed"
            ),
        )

    def __str__(self) -> str:
        return f"{self.system}, batch of {self.batch_size}"
