from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0007_node_tenants")]

    operations = [
        migrations.AddField(
            model_name="callrecord",
            name="hops",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="livecall",
            name="hops",
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
