from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("florentin_webhooks", "0002_delivery_key_id")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="next_attempt",
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
