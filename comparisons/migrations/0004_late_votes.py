from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("comparisons", "0003_worker_hash_permission")]

    operations = [
        migrations.AddIndex(
            model_name="vote",
            index=models.Index(condition=models.Q(late=True), fields=["id"], name="late_vote"),
        ),
    ]
