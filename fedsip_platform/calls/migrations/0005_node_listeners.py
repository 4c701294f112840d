from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0004_calls_by_rule")]

    operations = [
        migrations.AddField(
            model_name="node",
            name="listeners",
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
