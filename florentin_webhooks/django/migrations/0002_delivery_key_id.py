from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("florentin_webhooks", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="key_id",
            field=models.CharField(db_default="", default="", editable=False, max_length=16),
        ),
    ]
