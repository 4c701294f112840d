from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("calls", "0010_policies"),
    ]

    operations = [
        migrations.AddField(
            model_name="node",
            name="users",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
