from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0006_lost_calls")]

    operations = [
        migrations.AddField(
            model_name="node",
            name="tenants",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
