import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("key", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("state", models.CharField(max_length=8)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("token", models.BinaryField(default=b"", max_length=16)),
                ("until", models.BigIntegerField(default=0)),
                ("expires", models.BigIntegerField()),
                ("event", models.CharField(default="", max_length=200)),
                ("delivery_id", models.CharField(default="", max_length=200)),
                ("received_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("secret", models.TextField(default="")),
                ("handlers", models.JSONField(default=dict)),
                ("reason", models.TextField(default="")),
                ("sent_under", models.UUIDField(null=True)),
                ("content", models.UUIDField(null=True)),
                ("body", models.BinaryField(null=True)),
                (
                    "original",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="retries",
                        to="florentin_webhooks.delivery",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "permissions": (("replay_delivery", "Can replay deliveries"),),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Guard",
            fields=[
                ("key", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("token", models.BinaryField(default=b"", max_length=16)),
                ("until", models.BigIntegerField(default=0)),
                ("watermark", models.BigIntegerField(default=-1)),
                ("done", models.BooleanField(default=False)),
                ("expires", models.BigIntegerField(db_index=True, null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="guards",
                        to="florentin_webhooks.delivery",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("original__isnull", True)),
                fields=["expires"],
                name="florentin_expires",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("original__isnull", False)),
                fields=["original"],
                name="florentin_retries",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("body__isnull", False)),
                fields=["received_at"],
                name="florentin_listed",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("body__isnull", False)),
                fields=["state", "received_at"],
                name="florentin_by_state",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("body__isnull", False)),
                fields=["event", "received_at"],
                name="florentin_by_event",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("body__isnull", False), ("state", "done")),
                fields=["finished_at"],
                name="florentin_finished",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("sent_under", "content"), name="florentin_second_key"
            ),
        ),
    ]
