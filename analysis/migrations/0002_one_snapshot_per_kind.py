# What is stored can be computed anew, so the table is made again.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0001_initial"),
        ("comparisons", "0002_votes_insert_only"),
    ]

    operations = [
        migrations.DeleteModel(name="Snapshot"),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                (
                    "results",
                    models.TextField(
                        blank=True,
                        help_text="JSON; as text, since PostgreSQL's own type forgets the key order",
                    ),
                ),
                ("inputs_hash", models.CharField(blank=True, max_length=64)),
                (
                    "votes",
                    models.PositiveBigIntegerField(default=0, help_text="that the study had, whatever their kind"),
                ),
                (
                    "seen_to",
                    models.PositiveBigIntegerField(
                        default=0, help_text="id of the site's newest vote when they were counted"
                    ),
                ),
                (
                    "seen_last",
                    models.PositiveIntegerField(default=0, help_text="the study's among the last ids up to that"),
                ),
                ("computed_at", models.DateTimeField(blank=True, null=True)),
                ("took_ms", models.PositiveIntegerField(default=0)),
                (
                    "asked_at",
                    models.DateTimeField(blank=True, help_text="since when a page waits for new numbers", null=True),
                ),
                ("error", models.TextField(blank=True, help_text="why the last computation ended without numbers")),
                ("claim", models.CharField(blank=True, max_length=32)),
                ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "study",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="snapshots", to="comparisons.study"
                    ),
                ),
            ],
            options={
                "ordering": ("study", "kind"),
                "constraints": [
                    models.UniqueConstraint(fields=("study", "kind"), name="one_snapshot_per_kind"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("computed_at__isnull", True), ("inputs_hash", "")),
                            models.Q(("computed_at__isnull", False), models.Q(("inputs_hash", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="snapshot_computed_iff_inputs_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("claim", ""), ("lease_expires_at__isnull", True)),
                            models.Q(("lease_expires_at__isnull", False), models.Q(("claim", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="snapshot_lease_iff_claimed",
                    ),
                ],
            },
        ),
    ]
