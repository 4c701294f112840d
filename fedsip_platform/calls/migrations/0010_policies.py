from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0009_messages_together"),
    ]

    operations = [
        migrations.AddField(
            model_name="callrecord",
            name="policies",
            field=models.TextField(db_default=""),
        ),
        migrations.AddField(
            model_name="livecall",
            name="policies",
            field=models.TextField(db_default=""),
        ),
    ]
