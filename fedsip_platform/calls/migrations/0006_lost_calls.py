from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0005_node_listeners")]

    operations = [
        migrations.AddField(
            model_name="node",
            name="lost_calls",
            field=models.IntegerField(db_default=0),
        ),
    ]
