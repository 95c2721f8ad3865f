from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("comparisons", "0002_votes_insert_only")]

    operations = [
        migrations.AlterModelOptions(
            name="rater",
            options={
                "permissions": (("view_worker_hash", "Can see the hashes of the ids that platforms gave raters"),)
            },
        ),
    ]
